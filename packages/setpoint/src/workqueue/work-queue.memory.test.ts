import { describe, expect, it } from 'vitest';
import { heapUsed } from '../../../../test/harness/heap-used.ts';
import { WorkQueue } from './work-queue.ts';

describe('memory', () => {
  it('I-7: holds no state for a key after done: memory is back at its baseline after 1 million distinct keys', () => {
    const queue = new WorkQueue();
    const before = heapUsed();
    for (let index = 0; index < 1_000_000; index++) queue.add(`namespace/key-${index}`);
    const grown = heapUsed() - before;
    for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) queue.done(key);
    expect([queue.length, queue.waiting, queue.processing]).toEqual([0, 0, 0]);
    expect(grown).toBeGreaterThan(50e6);
    expect(heapUsed() - before).toBeLessThan(grown / 20);
  }, 60_000);
});
