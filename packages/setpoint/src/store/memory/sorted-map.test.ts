import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SortedMap } from './sorted-map.ts';

interface Item {
  readonly key: string;
  weight: number;
}

const between = (items: Iterable<Item>, start: string, end: string | undefined): Item[] =>
  [...items]
    .filter(({ key }) => key >= start && (end === undefined || key < end))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));

const visited = (map: SortedMap<Item>, start: string, end: string | undefined, atMost = Infinity): Item[] => {
  const items: Item[] = [];
  map.visit(start, end, (item) => {
    items.push(item);
    return items.length < atMost;
  });
  return items;
};

const sum = (items: readonly Item[]): number => items.reduce((total, item) => total + item.weight, 0);

describe('SortedMap', () => {
  it('agrees with a plain map under any sequence of operations', () => {
    const key = fc.integer({ min: 0, max: 250 }).map((number) => number.toString(7));
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('insert' as const), key, weight: fc.nat(1) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('flip' as const), key }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('read' as const), key, end: fc.option(key, { nil: undefined }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 800, size: 'max' }), (steps) => {
        const map = new SortedMap<Item>((item) => item.weight);
        const model = new Map<string, Item>();
        for (const { do: action, ...given } of steps) {
          const item = model.get(given.key);
          if (action === 'insert' && !item) {
            const added = { key: given.key, weight: (given as { weight: number }).weight };
            model.set(given.key, added);
            map.insert(given.key, added);
          } else if (action === 'delete') {
            expect(map.delete(given.key)).toBe(model.delete(given.key));
          } else if (action === 'flip' && item) {
            item.weight = 1 - item.weight;
            map.reweigh(item.key, item.weight ? 1 : -1);
          } else if (action === 'read') {
            const { end } = given as { end: string | undefined };
            const expected = between(model.values(), given.key, end);
            expect(visited(map, given.key, end)).toEqual(expected);
            expect(visited(map, given.key, end, 3)).toEqual(expected.slice(0, 3));
            expect(map.weightBetween(given.key, end)).toBe(sum(expected));
          }
          if (map.get(given.key) !== model.get(given.key)) expect(map.get(given.key)).toBe(model.get(given.key));
        }
        expect(map.size).toBe(model.size);
        expect(visited(map, '', undefined)).toEqual(between(model.values(), '', undefined));
        expect(map.weightBetween('', undefined)).toBe(sum([...model.values()]));
      }),
      { numRuns: 30 },
    );
  });

  it('stays sorted and counted through a hundred thousand keys in any order, and empties', () => {
    const map = new SortedMap<number>();
    const size = 100_000;
    const name = (i: number): string => String((i * 7919) % size).padStart(6, '0');
    for (let i = 0; i < size; i++) map.insert(name(i), i);
    expect(map.weightBetween('025000', '075000')).toBe(50_000);
    const names: string[] = [];
    map.visit('', undefined, (i) => void names.push(name(i)));
    expect(names).toEqual(Array.from({ length: size }, (_, i) => name(i)).toSorted());
    for (let i = 0; i < size; i++) map.delete(name(i));
    expect([map.size, map.weightBetween('', undefined), map.get('000000')]).toEqual([0, 0, undefined]);
    map.insert('again', 1);
    expect(map.get('again')).toBe(1);
  });

  it('refuses a key that is there already', () => {
    const map = new SortedMap<number>();
    map.insert('a', 1);
    expect(() => map.insert('a', 2)).toThrow('Internal');
  });
});
