import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fairness, FairList, LOWER_TURN, namespaceOf } from './fair-list.ts';

const FAIRNESS: Fairness = { flowOf: namespaceOf, weightOf: (flow) => (flow === 'b' ? 3 : 1) };

/** How many hand-outs it takes until `wanted` comes, each followed by `refill`. */
function handOutsUntil(list: FairList<string>, wanted: string, refill: (key: string, handOut: number) => void): number {
  for (let handOut = 1; handOut < 1_000_000; handOut++) {
    const key = list.shift();
    if (key === wanted) return handOut;
    refill(key!, handOut);
  }
  throw new Error(`${wanted} was never handed out`);
}

function never(): never {
  throw new Error('user code');
}

describe('FairList', () => {
  it('I-41: hands out the higher priority first, and of one priority the key that came first', () => {
    const list = new FairList<string>();
    for (const [key, priority] of [
      ['a', 0],
      ['low', -100],
      ['high', 7],
      ['b', 0],
      ['high2', 7],
    ] as const) {
      expect(list.add(key, priority)).toBe(true);
    }
    expect(Array.from({ length: 6 }, () => list.shift())).toEqual(['high', 'high2', 'a', 'b', 'low', undefined]);
  });

  it('I-42, I-43: keeps the highest priority of a key: raised it goes behind the others, else it keeps its place', () => {
    const list = new FairList<string>();
    for (const key of ['a', 'b', 'c']) list.add(key, 0);
    list.add('x', 5);
    expect(list.add('b', 5)).toBe(false);
    expect(list.add('a', 0)).toBe(false);
    expect(list.add('x', -5)).toBe(false);
    expect([list.count(5), list.count(0), list.size]).toEqual([2, 2, 4]);
    expect(Array.from({ length: 4 }, () => list.shift())).toEqual(['x', 'b', 'a', 'c']);
  });

  it('I-50: a key of priority -100 comes within 16 hand-outs under a flood at 0 that never ends', () => {
    const list = new FairList<string>();
    for (let index = 0; index < 1000; index++) list.add(`flood-${index}`, 0);
    list.add('low', -100);
    let next = 1000;
    expect(handOutsUntil(list, 'low', () => void list.add(`flood-${next++}`, 0))).toBeLessThanOrEqual(LOWER_TURN);
  });

  it('I-50: behind m others, with L priorities waiting, it comes within 16 × L × (m + 1) hand-outs', () => {
    const list = new FairList<string>();
    const priorities = [0, -1, -2, -3];
    let next = 0;
    const flood = (): void => priorities.forEach((priority) => void list.add(`flood-${next++}`, priority));
    for (let index = 0; index < 50; index++) flood();
    const others = 20;
    for (let index = 0; index < others; index++) list.add(`list-${index}`, -100);
    list.add('low', -100);
    const bound = LOWER_TURN * (priorities.length + 1) * (others + 1);
    expect(handOutsUntil(list, 'low', flood)).toBeLessThanOrEqual(bound);
  });

  it('I-50: the highest priority gets at least 15 of 16 hand-outs', () => {
    const list = new FairList<string>();
    for (let index = 0; index < 1600; index++) list.add(`low-${index}`, -100);
    for (let index = 0; index < 1600; index++) list.add(`high-${index}`, 0);
    const taken = Array.from({ length: 1600 }, () => list.shift()!);
    expect(taken.filter((key) => key.startsWith('high')).length).toBe(1500);
  });

  it('I-50: each sixteenth hand-out goes to the lower priority that was passed over the longest', () => {
    const list = new FairList<string>();
    const priorities = [0, -1, -2, -3];
    for (let index = 0; index < 200; index++) for (const at of priorities) list.add(`${at}:${index}`, at);
    const lower = Array.from({ length: 6 * LOWER_TURN }, () => list.shift()!.split(':')[0]).filter((at) => at !== '0');
    expect(lower).toEqual(['-1', '-2', '-3', '-1', '-2', '-3']);
  });

  it('counts the keys of each priority', () => {
    const list = new FairList<string>();
    for (const [key, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 4],
    ] as const)
      list.add(key, priority);
    expect([list.count(0), list.count(4), list.count(1)]).toEqual([2, 1, 0]);
    list.shift();
    expect([list.count(0), list.count(4)]).toEqual([2, 0]);
  });

  it('I-183: flows by the hundred come and go, at priorities by the hundred, and the order stays', () => {
    const list = new FairList<string>({ flowOf: namespaceOf });
    for (let round = 0; round < 3; round++) {
      for (let flow = 0; flow < 1000; flow++) {
        list.add(`${flow}/a`, 0);
        expect(list.shift()).toBe(`${flow}/a`);
      }
      for (let priority = 1; priority < 100; priority++) {
        list.add(`x/${priority}`, priority);
        expect(list.shift()).toBe(`x/${priority}`);
      }
    }
    for (const key of ['a/1', 'a/2', 'b/1']) list.add(key, 0);
    list.add('top/1', 50);
    expect(Array.from({ length: 5 }, () => list.shift())).toEqual(['top/1', 'a/1', 'b/1', 'a/2', undefined]);
  });

  it('the flow of a key is its namespace, and none for a key without one', () => {
    expect(['default/web', 'a/b/c', '/web', 'web'].map(namespaceOf)).toEqual(['default', 'a', '', '']);
  });

  it.each([
    ['0', () => 0],
    ['-2', () => -2],
    ['2.5', () => 2.5],
    ['NaN', () => NaN],
    ['an error', () => never()],
  ])('I-183: a weight of %s counts as 1', (_, weight) => {
    const list = new FairList<string>({ flowOf: namespaceOf, weightOf: (flow) => (flow === 'bad' ? weight() : 2) });
    for (let index = 0; index < 4; index++) for (const flow of ['bad', 'good']) list.add(`${flow}/${index}`, 0);
    const order = Array.from({ length: 6 }, () => namespaceOf(list.shift()!));
    expect(order).toEqual(['bad', 'good', 'good', 'bad', 'good', 'good']);
  });

  it('I-183: keys whose flow can not be told are one flow with those that have none', () => {
    const list = new FairList<string>({ flowOf: (key) => (key.startsWith('bad') ? never() : '') });
    for (const key of ['bad-1', 'bad-2', 'plain']) list.add(key, 0);
    expect(Array.from({ length: 3 }, () => list.shift())).toEqual(['bad-1', 'bad-2', 'plain']);
  });

  it('I-183: a tenant that floods the queue delays another one by no more than a turn', () => {
    const list = new FairList<string>(FAIRNESS);
    for (let index = 0; index < 10_000; index++) list.add(`a/${index}`, 0);
    for (const key of ['c/1', 'c/2', 'c/3']) list.add(key, 0);
    let next = 10_000;
    // Two flows of weight 1: the one with two keys before it in its own flow comes within 3 × 2 hand-outs.
    expect(handOutsUntil(list, 'c/3', () => void list.add(`a/${next++}`, 0))).toBeLessThanOrEqual(6);
    list.add('d/1', 0);
    expect(handOutsUntil(list, 'd/1', () => void list.add(`a/${next++}`, 0))).toBeLessThanOrEqual(2);
  });

  it('I-183: flows share by their weights, and a new one waits for one round at most', () => {
    const list = new FairList<string>(FAIRNESS);
    for (let index = 0; index < 300; index++) for (const flow of ['a', 'b', 'c']) list.add(`${flow}/${index}`, 0);
    const taken = Array.from({ length: 100 }, () => namespaceOf(list.shift()!));
    const shares = ['a', 'b', 'c'].map((flow) => taken.filter((one) => one === flow).length);
    expect(shares).toEqual([20, 60, 20]);
    list.add('new/1', 0);
    let handOuts = 1;
    while (list.shift() !== 'new/1' && handOuts < 100_000) handOuts++;
    expect(handOuts).toBeLessThanOrEqual(6);
  });

  it('I-183: a function that throws, or a weight that can not be, costs a key its flow and nothing else', () => {
    const list = new FairList<string>({
      flowOf: (key) => {
        if (key.startsWith('bad')) throw new Error('no flow');
        return key;
      },
      weightOf: (flow) => {
        if (flow === 'throws') throw new Error('no weight');
        return flow === 'zero' ? 0 : Number.NaN;
      },
    });
    const keys = ['bad-1', 'throws', 'zero', 'bad-2', 'nan'];
    for (const key of keys) list.add(key, 0);
    expect(Array.from(keys, () => list.shift()).toSorted()).toEqual(keys.toSorted());
  });

  it('I-41, I-43, I-183: agrees with lists that are searched, for any sequence of adds and shifts', () => {
    const add = fc.record({
      key: fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 9 })).map((parts) => parts.join('/')),
      priority: fc.constantFrom(-100, 0, 0, 0, 5),
    });
    const steps = fc.array(fc.oneof(add, fc.constant('shift' as const)), { maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(steps, (sequence) => {
        const list = new FairList<string>(FAIRNESS);
        const naive = new NaiveFairList();
        for (const step of sequence) {
          if (step === 'shift') expect(list.shift()).toBe(naive.shift());
          else expect(list.add(step.key, step.priority)).toBe(naive.add(step.key, step.priority));
          expect([...list.keys()].toSorted()).toEqual(naive.keys());
          expect(list.count(0)).toBe(naive.count(0));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('I-7: keeps neither flows nor priorities that are over', () => {
    const list = new FairList<string>({ flowOf: (key) => key });
    for (let index = 0; index < 5000; index++) {
      list.add(`key-${index}`, index);
      expect(list.shift()).toBe(`key-${index}`);
    }
    expect([list.size, list.count(4999), list.shift()]).toEqual([0, 0, undefined]);
  });
});

/** The same rules in the plainest words: an array of lanes per priority, the front one's turn. */
class NaiveFairList {
  #levels: { priority: number; servedAt: number; lanes: { flow: string; keys: string[]; left: number }[] }[] = [];
  #handOuts = 0;
  #passedOver = 0;

  add(key: string, priority: number): boolean {
    const known = this.#levels.find((level) => level.lanes.some((lane) => lane.keys.includes(key)));
    if (known && known.priority >= priority) return false;
    if (known) this.#remove(key);
    let level = this.#levels.find((one) => one.priority === priority);
    if (!level) this.#levels.push((level = { priority, servedAt: this.#handOuts, lanes: [] }));
    const flow = namespaceOf(key);
    let lane = level.lanes.find((one) => one.flow === flow);
    if (!lane) level.lanes.push((lane = { flow, keys: [], left: FAIRNESS.weightOf!(flow) }));
    lane.keys.push(key);
    this.#levels.sort((one, other) => other.priority - one.priority);
    return !known;
  }

  shift(): string | undefined {
    const [top, ...lower] = this.#levels;
    if (!top) return undefined;
    let level = top;
    if (lower.length === 0) this.#passedOver = 0;
    else if (++this.#passedOver === 16) {
      this.#passedOver = 0;
      level = lower.reduce((longest, one) => (one.servedAt < longest.servedAt ? one : longest));
    }
    level.servedAt = ++this.#handOuts;
    const lane = level.lanes[0]!;
    const key = lane.keys[0]!;
    if (--lane.left === 0) {
      lane.left = FAIRNESS.weightOf!(lane.flow);
      level.lanes.push(level.lanes.shift()!);
    }
    this.#remove(key);
    return key;
  }

  keys(): string[] {
    return this.#levels.flatMap((level) => level.lanes.flatMap((lane) => lane.keys)).toSorted();
  }

  count(priority: number): number {
    const level = this.#levels.find((one) => one.priority === priority);
    return level ? level.lanes.reduce((sum, lane) => sum + lane.keys.length, 0) : 0;
  }

  #remove(key: string): void {
    for (const level of this.#levels) {
      for (const lane of level.lanes) lane.keys = lane.keys.filter((one) => one !== key);
      level.lanes = level.lanes.filter((lane) => lane.keys.length > 0);
    }
    this.#levels = this.#levels.filter((level) => level.lanes.length > 0);
  }
}
