import { describe, expect, it } from 'vitest';
import type { Process } from './kinds.ts';
import { dispensable, freeNames } from './replicaset-controller.ts';
import { templateHash } from './template-hash.ts';

const process = (name: string, ready = true): Process => ({ metadata: { name }, status: { ready } }) as Process;
const names = (processes: readonly Process[]): string[] => processes.map(({ metadata }) => metadata.name);

const taken =
  (...all: readonly string[]) =>
  (name: string): boolean =>
    all.includes(name);

describe('freeNames', () => {
  it('fills the gaps first, and goes on after the last', () => {
    expect(freeNames('web', taken('web-0', 'web-2'), 3)).toEqual(['web-1', 'web-3', 'web-4']);
  });

  it('gives none when none is missing', () => {
    expect(freeNames('web', taken('web-0'), 0)).toEqual([]);
    expect(freeNames('web', taken('web-0'), -2)).toEqual([]);
  });
});

describe('dispensable', () => {
  const all = [process('web-0', false), process('web-1'), process('web-2'), process('web-10')];
  it('takes those that do not answer first, then the last', () => {
    expect(names(dispensable(all, 3))).toEqual(['web-0', 'web-10', 'web-2']);
  });

  it('takes none when none is too many', () => {
    expect(dispensable(all, 0)).toEqual([]);
    expect(dispensable(all, -1)).toEqual([]);
  });
});

describe('templateHash', () => {
  it('is the same in whatever order the fields were written down', () => {
    expect(templateHash({ a: 1, b: { c: 2, d: 3 } })).toBe(templateHash({ b: { d: 3, c: 2 }, a: 1 }));
  });

  it('changes with any value, and with the order of a list', () => {
    expect(templateHash({ a: 1 })).not.toBe(templateHash({ a: 2 }));
    expect(templateHash({ a: [1, 2] })).not.toBe(templateHash({ a: [2, 1] }));
  });
});
