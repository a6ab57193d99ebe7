import type { Subscribable } from 'rxjs';
import type { ObjectRef } from '../client/index.ts';
import type { Source, SourceSink } from './source.ts';
import { refKey } from './to-keys.ts';

export interface ObservableSourceOptions {
  /** Default 'observable'. */
  readonly name?: string;
}

/**
 * A source over an rxjs Observable (or anything with `subscribe`) of keys or objects: timers, webhooks, message
 * queues. It is synced as soon as it is subscribed, and unsubscribed when the controller stops.
 *
 * It feeds the queue and drives nothing: however fast it emits, keys coalesce. An Observable that fails is over, as
 * rxjs has it: that is reported, and the controller goes on with its other sources. Add `retry` to the pipeline where
 * it should come back.
 */
export function observableSource(keys: Subscribable<ObjectRef>, options: ObservableSourceOptions = {}): Source {
  const { name = 'observable' } = options;
  return {
    name,
    start(sink, signal) {
      if (signal.aborted) return Promise.resolve();
      const subscription = subscribe(keys, name, sink);
      const unsubscribe = (): void => {
        try {
          subscription?.unsubscribe();
        } catch (error) {
          sink.report(error, { source: name, stage: 'observable' });
        }
      };
      if (signal.aborted) unsubscribe();
      else signal.addEventListener('abort', unsubscribe, { once: true });
      return Promise.resolve();
    },
  };
}

function subscribe(keys: Subscribable<ObjectRef>, name: string, sink: SourceSink) {
  const failed = (error: unknown): void => sink.report(error, { source: name, stage: 'observable' });
  const next = (ref: ObjectRef): void => {
    try {
      sink.enqueue(refKey(ref), { cause: { type: 'event', source: name } });
    } catch (error) {
      sink.report(error, { source: name, stage: 'keys' });
    }
  };
  try {
    return keys.subscribe({ next, error: failed, complete: () => {} });
  } catch (error) {
    failed(error);
    return undefined;
  }
}
