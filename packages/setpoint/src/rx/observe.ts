import { Observable } from 'rxjs';
import type { Controller, ReconcileReport } from '../controller/index.ts';
import type { Informer } from '../informer/index.ts';
import type { Change } from '../source/index.ts';

/** A change of a cache, with the key that it is about. */
export type KeyedChange<T> = Change<T> & { readonly key: string };

/**
 * The changes of a cache. Each subscription first gets what is there as adds `inInitialList`, then every change, in
 * order; see the informer for what may be skipped. It never completes, and fails with `Closed` when the informer had
 * stopped before.
 */
export function changes<T>(informer: Pick<Informer<T>, 'addEventHandler'>): Observable<KeyedChange<T>> {
  return new Observable((subscriber) => {
    const registration = informer.addEventHandler({
      add: (object, { key, inInitialList }) => subscriber.next({ type: 'add', key, object, inInitialList }),
      update: (old, object, { key }) => subscriber.next({ type: 'update', key, old, object }),
      delete: (object, { key }) => subscriber.next({ type: 'delete', key, object }),
    });
    return () => registration.remove();
  });
}

/** The attempts of a controller, each when it has ended, from the subscription on. It never completes. */
export function reconciles(controller: Pick<Controller, 'on'>): Observable<ReconcileReport> {
  return new Observable((subscriber) => controller.on('reconciled', (report) => subscriber.next(report)));
}
