import { distinctUntilChanged, Observable } from 'rxjs';
import type { Informer, InformerPhase } from '../informer/index.ts';
import type { Revision } from '../store/index.ts';
import { changes, type KeyedChange } from './observe.ts';

/** Everything that a cache had at one revision. */
export interface CacheSnapshot<T> {
  readonly revision: Revision;
  readonly objects: ReadonlyMap<string, T>;
}

/** How an informer does. */
export interface InformerStatus {
  readonly phase: InformerPhase;
  readonly synced: boolean;
  /** Whether nothing proves at the moment that the cache is fresh. */
  readonly stalled: boolean;
  /** Whether handlers are held because most of the cache went at once. */
  readonly held: boolean;
}

/** What can be seen of one informer. Each subscription stands alone: none can end, slow or break another. */
export interface InformerStreams<T> {
  /** What is there as adds `inInitialList`, then every change, in order. Ends when the informer stops. */
  readonly changes$: Observable<KeyedChange<T>>;
  /**
   * The whole cache: when it has synced, and whenever it has changed since, once for everything that came together.
   * Copies the cache each time: for screens and tests, not for large caches that change all the time.
   */
  readonly snapshot$: Observable<CacheSnapshot<T>>;
  /** The present status, then each that differs from the one before. Ends when the informer stops. */
  readonly status$: Observable<InformerStatus>;
}

type Observed<T> = Pick<
  Informer<T>,
  'addEventHandler' | 'on' | 'phase' | 'hasSynced' | 'stalledSince' | 'held' | 'lister' | 'revision'
>;

/** The streams of an informer, cold: nothing happens before somebody subscribes. */
export function informerStreams<T>(informer: Observed<T>): InformerStreams<T> {
  return {
    changes$: untilStopped(informer, changes(informer)),
    snapshot$: untilStopped(informer, snapshots(informer)),
    status$: untilStopped(informer, statuses(informer)).pipe(distinctUntilChanged(isSameStatus)),
  };
}

/** Ends with the informer. One that has stopped already has nothing to tell. */
function untilStopped<T, Each>(informer: Observed<T>, stream: Observable<Each>): Observable<Each> {
  return new Observable((subscriber) => {
    if (informer.phase === 'stopped') return subscriber.complete();
    subscriber.add(stream.subscribe(subscriber));
    subscriber.add(informer.on('phase', ({ phase }) => void (phase === 'stopped' && subscriber.complete())));
    return undefined;
  });
}

function snapshots<T>(informer: Observed<T>): Observable<CacheSnapshot<T>> {
  return new Observable((subscriber) => {
    let due = false;
    const show = (): void => {
      if (due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        if (subscriber.closed || !informer.hasSynced) return;
        const { lister, revision } = informer;
        const objects = new Map(Array.from(lister.keys(), (key) => [key, lister.get(key)!] as const));
        subscriber.next({ revision, objects });
      });
    };
    const registration = informer.addEventHandler({ add: show, update: show, delete: show }, { name: 'snapshot$' });
    const off = informer.on('synced', show);
    if (informer.hasSynced) show();
    return () => {
      off();
      registration.remove();
    };
  });
}

const STATUS_EVENTS = [
  'phase',
  'freshness',
  'synced',
  'relist',
  'history-reset',
  'divergence',
  'mass-delete',
  'release',
] as const;

function statuses<T>(informer: Observed<T>): Observable<InformerStatus> {
  return new Observable((subscriber) => {
    const show = (): void => {
      const { phase, hasSynced: synced, stalledSince, held } = informer;
      subscriber.next({ phase, synced, stalled: stalledSince !== undefined, held });
    };
    show();
    const offs = STATUS_EVENTS.map((event) => informer.on(event, show));
    return () => offs.forEach((off) => off());
  });
}

function isSameStatus(one: InformerStatus, other: InformerStatus): boolean {
  return (
    one.phase === other.phase && one.synced === other.synced && one.stalled === other.stalled && one.held === other.held
  );
}
