import { describe, expect, it } from 'vitest';
import type { Node, Process } from './kinds.ts';
import { type Usage, usageByNode } from './room.ts';
import { pickNode } from './scheduler.ts';

const node = (name: string, capacity: number, cpuMilli = 1_000, memoryMiB = 1_000): Node =>
  ({ metadata: { name }, spec: { capacity, cpuMilli, memoryMiB } }) as unknown as Node;
const process = (uid: string, nodeName?: string, cpuMilli = 0): Process =>
  ({
    metadata: { uid },
    spec: { resources: { cpuMilli, memoryMiB: 0 }, ...(nodeName !== undefined && { nodeName }) },
  }) as unknown as Process;
const used = (processes: number, cpuMilli = 0, memoryMiB = 0): Usage => ({ processes, cpuMilli, memoryMiB });

describe('pickNode', () => {
  it.each<[string, Node[], [string, Usage][], Usage, string | undefined]>([
    [
      'the one that is the least full',
      [node('a', 10), node('b', 10)],
      [
        ['a', used(2)],
        ['b', used(1)],
      ],
      used(1),
      'b',
    ],
    ['of equals the first by name', [node('b', 10), node('a', 10)], [], used(1), 'a'],
    [
      'none that is full',
      [node('a', 2), node('b', 10)],
      [
        ['a', used(2)],
        ['b', used(5)],
      ],
      used(1),
      'b',
    ],
    ['none without the processor for it', [node('a', 9, 500), node('b', 9)], [['b', used(5)]], used(1, 600), 'b'],
    [
      'none without the memory for it',
      [node('a', 9), node('b', 9)],
      [
        ['a', used(1, 0, 900)],
        ['b', used(5)],
      ],
      used(1, 0, 200),
      'b',
    ],
    [
      'the one with the most of what is scarce',
      [node('a', 99), node('b', 99)],
      [
        ['a', used(1, 800)],
        ['b', used(9, 100)],
      ],
      used(1, 100),
      'b',
    ],
    ['nothing when all are full', [node('a', 2), node('b', 0)], [['a', used(2)]], used(1), undefined],
    ['nothing when there is none', [], [], used(1), undefined],
  ])('takes %s', (_title, nodes, usage, need, expected) => {
    expect(pickNode(nodes, new Map(usage), need)).toBe(expected);
  });
});

describe('usageByNode', () => {
  const decisions = () =>
    new Map([
      ['p2', 'a'],
      ['p3', 'b'],
      ['gone', 'a'],
    ]);

  it('adds up what is bound, and what was decided but has not arrived', () => {
    const processes = [process('p1', 'a', 100), process('p2', undefined, 50), process('p3', 'b'), process('p4')];
    expect(Object.fromEntries(usageByNode(processes, decisions()))).toEqual({ a: used(2, 150), b: used(1) });
  });

  it('forgets decisions that have arrived, and those about objects that are gone', () => {
    const decided = decisions();
    usageByNode([process('p2'), process('p3', 'b')], decided);
    expect([...decided.keys()]).toEqual(['p2']);
  });
});
