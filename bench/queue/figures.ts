/** What of a work queue is no rate: how much memory a waiting key takes, and how late a delayed one is. */
import { namespaceOf, systemClock, WorkQueue } from 'setpoint/workqueue';
import type { Figure } from '../report.ts';
import { collectGarbage, percentile } from '../rounds.ts';

const HOUR_MS = 3_600_000;

/** Bytes per waiting key beyond the key itself, with a million of them. */
export function memoryFigures(keys: readonly string[]): readonly Figure[] {
  const fairness = { flowOf: namespaceOf };
  return [
    perKey('a ready key', keys, new WorkQueue(), (queue, key) => queue.add(key), 120),
    perKey('a delayed key', keys, new WorkQueue(), (queue, key) => queue.addAfter(key, HOUR_MS), 120),
    perKey('a ready key, namespaces in turns', keys, new WorkQueue({ fairness }), (queue, key) => queue.add(key)),
    perKey('a ready key with a priority', keys, new WorkQueue(), (queue, key) => queue.add(key, { priority: 1 })),
  ];
}

function perKey(
  what: string,
  keys: readonly string[],
  queue: WorkQueue,
  add: (queue: WorkQueue, key: string) => void,
  max?: number,
): Figure {
  collectGarbage();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  for (const key of keys) add(queue, key);
  collectGarbage();
  const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  // Looked at after the measurement, so that it isn't collected before.
  if (queue.length + queue.waiting !== keys.length) throw new Error('the queue has lost keys');
  queue.shutDown();
  return { name: `memory of ${what}`, value: (after - before) / keys.length, unit: 'bytes', max };
}

/** How late delayed keys are handed out, among many that wait longer. */
export async function wakeUpFigures(others: readonly string[]): Promise<readonly Figure[]> {
  const queue = new WorkQueue();
  for (const key of others) queue.addAfter(key, HOUR_MS);
  const due = new Map<string, number>();
  for (let index = 0; index < 2000; index++) {
    const delayMs = 5 + ((index * 7919) % 995);
    due.set(`due-${index}`, systemClock.now() + delayMs);
    queue.addAfter(`due-${index}`, delayMs);
  }
  // Timers of the queue don't keep a process alive.
  const alive = setInterval(() => {}, 1000);
  const late: number[] = [];
  while (late.length < due.size) {
    const key = (await queue.get())!;
    late.push(systemClock.now() - due.get(key)!);
    queue.done(key);
  }
  clearInterval(alive);
  queue.shutDown();
  const among = `a delayed key among ${others.length.toLocaleString('en')}`;
  if (Math.min(...late) < -1) throw new Error('a key came early');
  return [0.5, 0.99].map((share) => ({
    name: `${among} is late, p${share * 100}`,
    value: percentile(late, share),
    unit: 'ms',
    max: undefined,
  }));
}
