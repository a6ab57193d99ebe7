import type { WatchEvent } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { WatchCursor } from './watch-cursor.ts';

const encoder = new TextEncoder();

function event(modRevision: bigint, key = '/a/x'): WatchEvent {
  const kv = {
    key: encoder.encode(key),
    value: new Uint8Array(),
    createRevision: 1n,
    modRevision,
    version: 1n,
    lease: 0n,
  };
  return { type: 'put', kv };
}

const revisions = (events: readonly WatchEvent[]): bigint[] => events.map(({ kv }) => kv.modRevision);

describe('WatchCursor', () => {
  it('I-75: takes "created" as the start only when none was asked for', () => {
    const open = new WatchCursor({ prefix: '/a/' });
    expect(open.next).toBeUndefined();
    expect(open.created(41n)).toBe(41n);
    expect(open.next).toBe(42n);
    const resumed = new WatchCursor({ prefix: '/a/', startRevision: 10n });
    expect(resumed.created(41n)).toBeUndefined();
    expect(resumed.next).toBe(10n);
  });

  it('I-75: a later "created", of a stream opened after a break, moves nothing', () => {
    const cursor = new WatchCursor({ prefix: '/a/' });
    cursor.created(41n);
    expect(cursor.created(90n)).toBeUndefined();
    expect(cursor.next).toBe(42n);
  });

  it('I-73: resumes after the last event', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 10n });
    expect(revisions(cursor.accept([event(10n), event(12n), event(12n, '/a/y')]))).toEqual([10n, 12n, 12n]);
    expect(cursor.next).toBe(13n);
  });

  it('I-83: resumes after a progress mark, and never goes back for an older one', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 10n });
    expect(cursor.progress(20n)).toBe(true);
    expect(cursor.next).toBe(21n);
    expect(cursor.progress(20n)).toBe(true);
    expect(cursor.progress(19n)).toBe(false);
    expect(cursor.next).toBe(21n);
  });

  it('F-57: a mark before the revision that was asked for is left out', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 100n });
    expect(cursor.progress(50n)).toBe(false);
    expect(cursor.next).toBe(100n);
  });

  it('F-47 F-48 I-170: leaves out and counts what was delivered before, and what is older than the start', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 10n });
    cursor.accept([event(10n), event(11n)]);
    expect(revisions(cursor.accept([event(9n), event(10n), event(11n), event(12n)]))).toEqual([12n]);
    expect(cursor.takeDropped()).toBe(3);
    expect(cursor.takeDropped()).toBe(0);
  });

  it('I-169: leaves out an event that goes back within a response', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 1n });
    expect(revisions(cursor.accept([event(5n), event(4n), event(6n)]))).toEqual([5n, 6n]);
    expect(cursor.next).toBe(7n);
  });

  it('F-54 I-175: leaves out keys that were not asked for', () => {
    const prefix = new WatchCursor({ prefix: '/a/', startRevision: 1n });
    expect(revisions(prefix.accept([event(1n, '/a'), event(2n, '/a/'), event(3n, '/a0'), event(4n, '/b/x')]))).toEqual([
      2n,
    ]);
    const one = new WatchCursor({ key: '/a', startRevision: 1n });
    expect(revisions(one.accept([event(1n, '/a'), event(2n, '/a/')]))).toEqual([1n]);
    const from = new WatchCursor({ fromKey: '/b', startRevision: 1n });
    expect(revisions(from.accept([event(1n, '/a'), event(2n, '/b'), event(3n, '\u{10ffff}')]))).toEqual([2n, 3n]);
  });

  it('a response of which nothing is new does not move it', () => {
    const cursor = new WatchCursor({ prefix: '/a/', startRevision: 10n });
    expect(cursor.accept([event(3n)])).toEqual([]);
    expect(cursor.next).toBe(10n);
  });
});
