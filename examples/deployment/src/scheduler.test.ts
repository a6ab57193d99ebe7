import { describe, expect, it } from 'vitest';
import type { Node, Process } from './kinds.ts';
import { silentForMs } from './node-health.ts';
import { countByNode, pickNode } from './scheduler.ts';

const node = (name: string, capacity: number, heartbeat?: string): Node =>
  ({ metadata: { name }, spec: { capacity }, ...(heartbeat !== undefined && { status: { heartbeat } }) }) as Node;
const process = (uid: string, nodeName?: string): Process =>
  ({ metadata: { uid }, spec: nodeName === undefined ? {} : { nodeName } }) as Process;

describe('pickNode', () => {
  it.each<[string, Node[], [string, number][], string | undefined]>([
    [
      'the one that runs the fewest',
      [node('a', 10), node('b', 10)],
      [
        ['a', 2],
        ['b', 1],
      ],
      'b',
    ],
    ['of equals the first by name', [node('b', 10), node('a', 10)], [], 'a'],
    [
      'none that is full',
      [node('a', 2), node('b', 10)],
      [
        ['a', 2],
        ['b', 5],
      ],
      'b',
    ],
    ['nothing when all are full', [node('a', 2), node('b', 0)], [['a', 2]], undefined],
    ['nothing when there is none', [], [], undefined],
  ])('takes %s', (_title, nodes, load, expected) => {
    expect(pickNode(nodes, new Map(load))).toBe(expected);
  });
});

describe('countByNode', () => {
  it('counts what is bound, and what was decided but has not arrived', () => {
    const decided = new Map([
      ['p2', 'a'],
      ['p3', 'b'],
      ['gone', 'a'],
    ]);
    const counts = countByNode([process('p1', 'a'), process('p2'), process('p3', 'b'), process('p4')], decided);
    expect(Object.fromEntries(counts)).toEqual({ a: 2, b: 1 });
  });

  it('forgets decisions that have arrived, and those about objects that are gone', () => {
    const decided = new Map([
      ['p2', 'a'],
      ['p3', 'b'],
      ['gone', 'a'],
    ]);
    countByNode([process('p2'), process('p3', 'b')], decided);
    expect([...decided.keys()]).toEqual(['p2']);
  });
});

describe('silentForMs', () => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  it.each([
    ['2026-01-01T00:00:59.000Z', 1_000],
    ['', Infinity],
    [undefined, Infinity],
  ])('of heartbeat %s: %s', (heartbeat, expected) => {
    expect(silentForMs(node('a', 1, heartbeat), now)).toBe(expected);
  });

  it('is for ever without a Node', () => {
    expect(silentForMs(undefined, now)).toBe(Infinity);
  });
});
