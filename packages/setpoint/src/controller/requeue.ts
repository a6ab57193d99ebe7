import type { WorkQueue } from '../workqueue/index.ts';
import type { Job } from './job.ts';
import type { Outcome } from './outcome.ts';

/**
 * What the end of an attempt means for its key, which is still held. Only failures and `requeue` advance its delays;
 * success and a named time forget them. A repetition keeps the priority that the key was handed out with, unless the
 * result names another, and says why it is made.
 */
export function requeue(queue: WorkQueue, { key, priority: held }: Job, outcome: Outcome): void {
  if (outcome.type === 'error') {
    if (outcome.terminal) return;
    const cause = { type: 'retry', failure: queue.failures(key) + 1 } as const;
    queue.addRateLimited(key, { priority: held, cause, atLeastMs: outcome.retryAfterMs ?? 0 });
  } else if (outcome.type === 'requeue') {
    queue.addRateLimited(key, { priority: outcome.priority ?? held, cause: { type: 'requeue' } });
  } else {
    queue.forget(key);
    if (outcome.type !== 'requeue_after') return;
    queue.addAfter(key, outcome.delayMs, { priority: outcome.priority ?? held, cause: { type: 'requeue' } });
  }
}
