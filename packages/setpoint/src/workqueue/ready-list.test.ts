import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FifoList } from './ready-list.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('FifoList', () => {
  it('I-1, I-4: agrees with an array that takes each key once, for any sequence of adds and shifts', () => {
    const step = fc.oneof(
      fc.integer({ min: 0, max: 60 }).map((number) => `key-${number}`),
      fc.constant('shift' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const list = new FifoList<string>();
        const naive: string[] = [];
        for (const one of steps) {
          if (one === 'shift') expect(list.shift()).toBe(naive.shift());
          else {
            expect(list.has(one)).toBe(naive.includes(one));
            expect(list.add(one)).toBe(!naive.includes(one));
            if (!naive.includes(one)) naive.push(one);
          }
          expect(list.size).toBe(naive.length);
          expect([...list.keys()]).toEqual(naive);
        }
      }),
    );
  });

  it('knows priority 0 and no other', () => {
    const list = new FifoList<string>();
    list.add('a');
    expect([list.count(0), list.count(1), list.count(-1)]).toEqual([1, 0, 0]);
  });

  it('I-7: keeps nothing of the keys that passed through it, though it was never empty', () => {
    const list = new FifoList<string>();
    for (let index = 0; index < 100; index++) list.add(`first-${index}`);
    const heapUsed = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = heapUsed();
    for (let index = 0; index < 300_000; index++) {
      list.add(`key-${index}`);
      list.shift();
    }
    expect(list.size).toBe(100);
    expect(heapUsed() - before).toBeLessThan(1e6);
  });
});
