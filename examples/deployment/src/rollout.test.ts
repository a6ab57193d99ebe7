import { describe, expect, it } from 'vitest';
import { planRollout, type ReplicaCounts, type RolloutState } from './rollout.ts';

const set = (name: string, replicas: number, ready = replicas): ReplicaCounts => ({ name, replicas, ready });
const plan = (state: RolloutState) => Object.fromEntries(planRollout(state));
const wanted = { replicas: 3, maxSurge: 1, maxUnavailable: 0 };

describe('planRollout', () => {
  it.each<[string, RolloutState, Record<string, number>]>([
    ['creates all at once when there is nothing old', { ...wanted, current: set('b', 0), old: [] }, { b: 3 }],
    ['starts with the surge', { ...wanted, current: set('b', 0), old: [set('a', 3)] }, { a: 3, b: 1 }],
    [
      'keeps the old while the new one is not ready',
      { ...wanted, current: set('b', 1, 0), old: [set('a', 3)] },
      { a: 3, b: 1 },
    ],
    [
      'gives one old up for one new that answers',
      { ...wanted, current: set('b', 1), old: [set('a', 3)] },
      { a: 2, b: 1 },
    ],
    ['uses the room that was made', { ...wanted, current: set('b', 1), old: [set('a', 2)] }, { a: 2, b: 2 }],
    [
      'does not count an old one twice that was told to go but still answers',
      { ...wanted, current: set('b', 1), old: [set('a', 2, 3)] },
      { a: 2, b: 2 },
    ],
    [
      'does not give up a second one for one that was told to go but still answers',
      { ...wanted, current: set('c', 0), old: [set('a', 2), set('b', 1, 2)] },
      { a: 2, b: 1, c: 1 },
    ],
    [
      'does not use room that is told to be made and is not yet',
      { ...wanted, current: set('b', 1), old: [{ ...set('a', 2), existing: 3 }] },
      { a: 2, b: 1 },
    ],
    ['ends with none of the old', { ...wanted, current: set('b', 3), old: [set('a', 1)] }, { a: 0, b: 3 }],
    [
      'without a surge it first makes room',
      { replicas: 3, maxSurge: 0, maxUnavailable: 1, current: set('b', 0), old: [set('a', 3)] },
      { a: 2, b: 0 },
    ],
    ['scales up', { ...wanted, replicas: 5, current: set('b', 3), old: [] }, { b: 5 }],
    ['scales down', { ...wanted, replicas: 1, current: set('b', 5), old: [] }, { b: 1 }],
    ['scales to zero', { ...wanted, replicas: 0, current: set('b', 5), old: [set('a', 2)] }, { a: 0, b: 0 }],
    ['gives broken old ones up first', { ...wanted, current: set('b', 0), old: [set('a', 3, 0)] }, { a: 0, b: 1 }],
    ['rolls back to an earlier set', { ...wanted, current: set('a', 2), old: [set('b', 2, 0)] }, { a: 2, b: 0 }],
    [
      'empties the oldest first',
      { ...wanted, current: set('c', 1), old: [set('a', 1), set('b', 2)] },
      { a: 0, b: 2, c: 1 },
    ],
  ])('%s', (_title, state, expected) => {
    expect(plan(state)).toEqual(expected);
  });

  const limits = [0, 1, 2].flatMap((maxSurge) => [0, 1, 2].map((maxUnavailable) => ({ maxSurge, maxUnavailable })));
  const rollouts = limits.filter(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0);

  it.each(rollouts)('ends, and keeps both limits at each step: %o', ({ maxSurge, maxUnavailable }) => {
    const replicas = 5;
    let current = set('new', 0);
    let old = set('old', replicas);
    for (let step = 0; current.ready < replicas || old.replicas > 0; step++) {
      expect(step).toBeLessThan(50);
      const next = planRollout({ replicas, maxSurge, maxUnavailable, current, old: [old] });
      old = set('old', next.get('old')!);
      expect(current.ready + old.ready).toBeGreaterThanOrEqual(replicas - maxUnavailable);
      expect(next.get('new')! + old.replicas).toBeLessThanOrEqual(replicas + maxSurge);
      // One more starts to answer at each step: the slowest way that still gets there.
      const ready = Math.min(current.ready + 1, next.get('new')!);
      current = set('new', next.get('new')!, ready);
    }
    expect(current).toEqual(set('new', replicas));
  });
});
