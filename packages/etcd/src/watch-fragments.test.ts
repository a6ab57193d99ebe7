import type { WatchEvent } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import type { WatchAnswer } from './protobuf/index.ts';
import { WatchFragments } from './watch-fragments.ts';

const response = (revisions: readonly number[], fragment = false): Pick<WatchAnswer, 'events' | 'fragment'> => ({
  events: revisions.map((revision) => ({ kv: { modRevision: BigInt(revision) } }) as WatchEvent),
  fragment,
});

const revisions = (events: readonly WatchEvent[] | undefined): string[] | undefined =>
  events?.map(({ kv }) => String(kv.modRevision));

describe('WatchFragments', () => {
  it('gives a response that came in one piece as it is, and an empty one for a progress mark', () => {
    const fragments = new WatchFragments();
    expect(revisions(fragments.add(response([1, 2, 2])))).toEqual(['1', '2', '2']);
    expect(fragments.add(response([]))).toEqual([]);
  });

  it('I-74: holds the newest revision of a piece back until it is known to be whole', () => {
    const fragments = new WatchFragments();
    expect(revisions(fragments.add(response([1, 2, 3], true)))).toEqual(['1', '2']);
    expect(revisions(fragments.add(response([3, 3, 4], true)))).toEqual(['3', '3', '3']);
    expect(revisions(fragments.add(response([4])))).toEqual(['4', '4']);
  });

  it('I-74: gives nothing of one revision over many pieces before the last', () => {
    const fragments = new WatchFragments();
    expect(fragments.add(response([7, 7], true))).toBeUndefined();
    expect(fragments.add(response([7], true))).toBeUndefined();
    expect(revisions(fragments.add(response([7])))).toEqual(['7', '7', '7', '7']);
  });

  it('gives what waits with a last piece that holds no events itself', () => {
    const fragments = new WatchFragments();
    expect(fragments.add(response([7], true))).toBeUndefined();
    expect(revisions(fragments.add(response([])))).toEqual(['7']);
  });

  it('I-171: however a response is cut, the pieces add up to it and no revision is in two of them', () => {
    const all = [1, 1, 2, 3, 3, 3, 4, 5, 5, 6];
    for (let mask = 0; mask < 2 ** (all.length - 1); mask++) {
      const fragments = new WatchFragments();
      const given: string[][] = [];
      let piece: number[] = [];
      all.forEach((revision, index) => {
        piece.push(revision);
        const last = index === all.length - 1;
        if (!last && (mask & (1 << index)) === 0) return;
        const ready = revisions(fragments.add(response(piece, !last)));
        if (ready) given.push(ready);
        piece = [];
      });
      expect(given.flat(), `cut ${mask}`).toEqual(all.map(String));
      const sets = given.flatMap((each) => [...new Set(each)]);
      expect(new Set(sets).size, `cut ${mask}`).toBe(sets.length);
    }
  });
});
