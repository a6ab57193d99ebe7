import { seededRandom } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import type { History, Operation, Version } from './history.ts';
import { isLinearizable } from './linearizable.ts';
import { witness } from './witness.ts';

const increment = (id: string, from: number, to: number, value: number, revision?: number): Operation => ({
  id,
  kind: 'increment',
  invokedAt: from,
  returnedAt: to,
  outcome: 'ok',
  value,
  ...(revision === undefined ? {} : { revision }),
});
const version = (revision: number, value: number, id: string, token = 1): Version => ({ revision, value, id, token });

/** Both judges, who must agree. */
function judge(history: Omit<History, 'name'>): boolean {
  const byWitness = witness({ name: 'h', ...history }).length === 0;
  expect(isLinearizable(history.operations)).toBe(byWitness);
  return byWitness;
}

describe('the judges of histories', () => {
  it('accept increments one after the other, and overlapping ones in the order of revisions', () => {
    const operations = [increment('a', 0, 10, 2, 6), increment('b', 1, 9, 1, 5)];
    expect(judge({ operations, versions: [version(5, 1, 'b'), version(6, 2, 'a')] })).toBe(true);
  });

  it('find a lost update', () => {
    const operations = [increment('a', 0, 10, 1, 5), increment('b', 1, 9, 1, 6)];
    expect(judge({ operations, versions: [version(5, 1, 'a'), version(6, 1, 'b')] })).toBe(false);
  });

  it('find an order that goes against real time', () => {
    const operations = [increment('a', 0, 1, 2, 6), increment('b', 2, 3, 1, 5)];
    expect(judge({ operations, versions: [version(5, 1, 'b'), version(6, 2, 'a')] })).toBe(false);
  });

  it('find a stale read', () => {
    const read: Operation = {
      id: 'r',
      kind: 'read',
      invokedAt: 2,
      returnedAt: 3,
      outcome: 'ok',
      value: 0,
      revision: 4,
    };
    const operations = [increment('a', 0, 1, 1, 5), read];
    expect(judge({ operations, versions: [version(5, 1, 'a')] })).toBe(false);
  });

  it('let an unknown increment be done late or never', () => {
    const { returnedAt: _, ...unknown } = { ...increment('u', 0, 0, 1), outcome: 'unknown' as const };
    const read = (value: number, at: number, revision: number): Operation => {
      return { id: `r${at}`, kind: 'read', invokedAt: at, returnedAt: at, outcome: 'ok', value, revision };
    };
    expect(judge({ operations: [unknown, read(0, 5, 3)], versions: [] })).toBe(true);
    expect(judge({ operations: [unknown, read(0, 5, 3), read(1, 6, 9)], versions: [version(7, 1, 'u')] })).toBe(true);
  });

  it('find an update that was lost to one of which nobody was told, when it is known to be written', () => {
    const { returnedAt: _, ...untold } = { ...increment('u', 0, 0, 1), outcome: 'unknown' as const, written: true };
    const versions = [version(5, 1, 'u'), version(6, 1, 'b')];
    expect(judge({ operations: [untold, increment('b', 1, 9, 1, 6)], versions })).toBe(false);
    const never = { ...untold, written: false };
    expect(judge({ operations: [never, increment('b', 1, 9, 1, 6)], versions: versions.slice(1) })).toBe(true);
    const read: Operation = { ...increment('r', 10, 11, 0, 7), kind: 'read', value: 0 };
    expect(isLinearizable([untold, read])).toBe(true);
    expect(isLinearizable([never, increment('b', 1, 9, 2, 6)])).toBe(false);
  });

  it('the witness alone finds writes of deposed owners, of nobody, and such as were said to be refused', () => {
    const refused = { ...increment('a', 0, 1, 1), outcome: 'refused' as const };
    const both = [version(5, 1, 'a', 9), version(6, 2, 'x', 4)];
    expect(witness({ name: 'h', operations: [refused], versions: both })).toHaveLength(3);
    expect(witness({ name: 'h', operations: [increment('a', 0, 1, 1, 4)], versions: [] })).toHaveLength(1);
  });

  it('agree on thousands of random histories of a counter that loses one update in some, and never in others', () => {
    const random = seededRandom(11);
    let [right, wrong] = [0, 0];
    for (let round = 0; round < 3000; round++) {
      const history = randomHistory(random.next, round % 2 === 1);
      if (judge(history)) right++;
      else wrong++;
    }
    expect(right).toBe(1500);
    expect(wrong).toBe(1500);
  });
});

/** Clients in turns, with overlapping intervals around the moment at which each takes place. */
function randomHistory(next: () => number, losing: boolean): Omit<History, 'name'> {
  const count = 6 + Math.floor(next() * 20);
  const lost = losing ? 1 + Math.floor(next() * (count - 1)) : -1;
  const operations: Operation[] = [];
  const versions: Version[] = [];
  let value = 0;
  for (let index = 0; index < count; index++) {
    const at = index * 10;
    value = index === lost ? value : value + 1;
    const id = `o${index}`;
    operations.push(increment(id, at - next() * 25, at + next() * 25, value, index + 2));
    versions.push(version(index + 2, value, id));
  }
  return { operations, versions };
}
