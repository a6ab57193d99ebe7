import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkQueue } from './work-queue.ts';

const KEYS = ['a', 'b', 'c'];

describe('the queue under any order of what happens at once', () => {
  it('I-2, I-3, I-6, I-10: no two workers hold a key, every add is followed by a hand-out, and all workers end', async () => {
    const adds = fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 30 });
    const workers = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), adds, workers, async (scheduler, keys, count) => {
        const queue = new WorkQueue();
        const held = new Set<string>();
        /** By key, how many adds no hand-out has followed yet. */
        const owed = new Map<string, number>();
        let twice = 0;
        let handOuts = 0;
        const work = async (): Promise<void> => {
          for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
            if (held.has(key)) twice++;
            // A queue that hands out for ever must fail the test: such a loop can't be timed out.
            if (++handOuts > 1000) throw new Error('the queue hands out keys for ever');
            held.add(key);
            owed.set(key, 0);
            await scheduler.schedule(Promise.resolve(), `work on ${key}`);
            held.delete(key);
            queue.done(key);
          }
        };
        const running = Array.from({ length: count }, work);
        const added = keys.map(async (key) => {
          await scheduler.schedule(Promise.resolve(), `add ${key}`);
          owed.set(key, (owed.get(key) ?? 0) + 1);
          queue.add(key);
        });
        await scheduler.waitFor(Promise.all(added));
        queue.shutDown();
        await scheduler.waitFor(Promise.all(running));
        expect([twice, held.size, queue.length, queue.processing]).toEqual([0, 0, 0, 0]);
        expect([...owed.values()].every((adds) => adds === 0)).toBe(true);
      }),
      { numRuns: Number(process.env['MODEL_RUNS'] ?? 200) },
    );
  }, 60_000);
});
