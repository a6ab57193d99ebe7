import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexedHeap } from './indexed-heap.ts';

type Step = readonly [action: 'set' | 'delete' | 'pop', key: string, at: number];

/** The same, the slow way: a list that is sorted (stably, by time) when it is asked. */
class NaiveHeap {
  entries: { key: string; at: number }[] = [];

  setEarlier(key: string, at: number): boolean {
    const found = this.entries.find((entry) => entry.key === key);
    if (found && found.at <= at) return false;
    this.delete(key);
    this.entries.push({ key, at });
    return true;
  }

  delete(key: string): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter((entry) => entry.key !== key);
    return this.entries.length < before;
  }

  peek(): { key: string; at: number } | undefined {
    return [...this.entries].sort((a, b) => a.at - b.at)[0];
  }
}

const key = fc.integer({ min: 0, max: 40 }).map((number) => `key-${number}`);
const steps = fc.array(
  fc.tuple(fc.constantFrom('set' as const, 'set' as const, 'delete' as const, 'pop' as const), key, fc.nat(20)),
  { maxLength: 200 },
);

function play(heap: IndexedHeap<string>, naive: NaiveHeap, [action, name, at]: Step): void {
  const first = naive.peek();
  if (action === 'set') expect(heap.setEarlier(name, at)).toBe(naive.setEarlier(name, at));
  else if (action === 'delete') expect(heap.delete(name)).toBe(naive.delete(name));
  else {
    expect(heap.pop()).toBe(first?.key);
    if (first) naive.delete(first.key);
  }
}

describe('IndexedHeap', () => {
  it('agrees with a sorted list in every answer, for any sequence of operations', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const heap = new IndexedHeap<string>();
        const naive = new NaiveHeap();
        for (const step of sequence) {
          play(heap, naive, step);
          const first = naive.peek();
          expect(heap.peek()?.key).toBe(first?.key);
          expect(heap.peek()?.at).toBe(first?.at);
          expect(heap.size).toBe(naive.entries.length);
          expect(heap.at(step[1])).toBe(naive.entries.find((entry) => entry.key === step[1])?.at);
          expect(heap.has(step[1])).toBe(heap.at(step[1]) !== undefined);
        }
      }),
    );
  });

  it('gives 100,000 keys out in order, of equal time in the order in which they were set', () => {
    const heap = new IndexedHeap<number>();
    const at = (id: number): number => (id * 7919) % 1009;
    for (let id = 0; id < 100_000; id++) heap.setEarlier(id, at(id));
    let last = heap.pop()!;
    for (let id = heap.pop(); id !== undefined; id = heap.pop()) {
      if (at(id) < at(last) || (at(id) === at(last) && id < last)) throw new Error(`${id} came after ${last}`);
      last = id;
    }
    expect(heap.size).toBe(0);
  });

  it('keeps its order when the key that fills a gap is earlier than the one above the gap', () => {
    const heap = new IndexedHeap<string>();
    // A root, its four children, four children of the first (late) child, and one early child of the second (early) one.
    const times = [0, 100, 1, 101, 102, 200, 201, 202, 203, 5];
    for (const at of times) heap.setEarlier(`at-${at}`, at);
    heap.delete('at-200');
    const left = times.filter((at) => at !== 200).sort((a, b) => a - b);
    expect(left.map(() => heap.pop())).toEqual(left.map((at) => `at-${at}`));
  });

  it('moves a key to an earlier time only', () => {
    const heap = new IndexedHeap<string>();
    heap.setEarlier('a', 10);
    heap.setEarlier('b', 5);
    expect(heap.setEarlier('a', 20)).toBe(false);
    expect(heap.setEarlier('a', 1)).toBe(true);
    expect([heap.at('a'), heap.pop(), heap.pop(), heap.pop()]).toEqual([1, 'a', 'b', undefined]);
  });

  it('is empty after clear', () => {
    const heap = new IndexedHeap<string>();
    heap.setEarlier('a', 10);
    heap.clear();
    expect([heap.size, heap.has('a'), heap.peek()]).toEqual([0, false, undefined]);
  });
});
