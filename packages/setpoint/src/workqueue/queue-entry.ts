import type { Cause } from './cause.ts';

/** One key as the queue sees it. */
export interface QueueEntry<Key extends string = string> {
  readonly key: Key;
  /** A key in processing that is wanted once more is `processing`, and has a `readyInMs`. */
  readonly state: 'ready' | 'delayed' | 'processing';
  /** The highest of its adds that wait; without any, the one that it was handed out with. */
  readonly priority: number;
  /** Rate-limited adds since it was forgotten. */
  readonly failures: number;
  /** In how many milliseconds it is ready; 0: it is, or at `done`. Undefined: it isn't wanted again. */
  readonly readyInMs: number | undefined;
  /** Milliseconds since it was first added with a cause; undefined for a key that was added without one. */
  readonly ageMs: number | undefined;
  /** Why it waits, or why it is processed. */
  readonly causes: readonly Cause[];
}
