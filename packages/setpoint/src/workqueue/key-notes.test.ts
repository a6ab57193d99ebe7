import { describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import type { CauseInput } from './cause.ts';
import { KeyNotes } from './key-notes.ts';

const MANUAL: CauseInput = { type: 'manual' };
const NOTHING = { priority: 0, since: undefined, causes: [] };

function noted() {
  const clock = new FakeClock();
  return { clock, notes: new KeyNotes<string>(clock) };
}

describe('KeyNotes', () => {
  it('keeps no note of a key of priority 0 without a cause, nor of a lower priority of one that waits already', () => {
    const { notes } = noted();
    expect([notes.add('a', 0, undefined, false), notes.add('a', 0, undefined, true)]).toEqual([0, 0]);
    expect(notes.add('a', -5, undefined, true)).toBe(0);
    expect([notes.size, notes.priority('a'), notes.look('a')]).toStrictEqual([0, 0, NOTHING]);
    notes.handedOut('a');
    notes.putBack('a', true);
    expect([notes.size, notes.heldPriority('a'), notes.heldSince('a')]).toEqual([0, 0, undefined]);
    expect(notes.heldCauses('a')).toEqual([]);
  });

  it('I-43: the highest priority counts; a low one only of a key that did not wait at 0', () => {
    const { notes } = noted();
    expect(notes.add('low', -5, undefined, false)).toBe(-5);
    expect([notes.add('low', -7, undefined, true), notes.add('low', -3, undefined, true)]).toEqual([-5, -3]);
    expect(notes.add('high', 5, undefined, true)).toBe(5);
    expect([notes.add('high', 3, undefined, true), notes.priority('high')]).toEqual([5, 5]);
    // It waited at 0, which nobody had to note; the cause makes a note of it, and no low priority.
    expect(notes.add('plain', -5, MANUAL, true)).toBe(0);
    expect(notes.add('with', -5, MANUAL, false)).toBe(-5);
    expect(notes.size).toBe(4);
  });

  it('tells the age by the first cause, and goes from wanted to held to nothing', async () => {
    const { clock, notes } = noted();
    notes.add('a', 2, undefined, false);
    await clock.advance(10);
    notes.add('a', 0, MANUAL, true);
    await clock.advance(10);
    notes.add('a', 0, MANUAL, true);
    const note = { priority: 2, since: 10, causes: [{ type: 'manual', count: 2 }] };
    expect(notes.look('a')).toStrictEqual(note);
    expect([notes.heldPriority('a'), notes.heldSince('a'), notes.heldCauses('a')]).toEqual([0, undefined, []]);
    notes.handedOut('a');
    expect([notes.priority('a'), notes.heldPriority('a'), notes.heldSince('a')]).toEqual([0, 2, 10]);
    expect([notes.heldCauses('a'), notes.look('a')]).toStrictEqual([note.causes, note]);
    notes.add('a', 1, undefined, false);
    expect(notes.look('a')).toStrictEqual({ ...NOTHING, priority: 1 });
    expect(notes.size).toBe(2);
    notes.done('a');
    expect([notes.size, notes.heldSince('a')]).toEqual([1, undefined]);
  });

  it('a key without a cause has no causes while it is held', () => {
    const { notes } = noted();
    notes.add('a', 2, undefined, false);
    notes.handedOut('a');
    expect([notes.heldCauses('a'), notes.look('a')]).toStrictEqual([[], { ...NOTHING, priority: 2 }]);
  });

  it('joins what was noted at the hand-out with what came after it, when a key is put back', async () => {
    const { clock, notes } = noted();
    const held = (key: string, priority: number, cause?: CauseInput) => {
      notes.add(key, priority, cause, false);
      notes.handedOut(key);
    };
    held('both', 2, MANUAL);
    held('first', 2, MANUAL);
    held('second', -2);
    held('none', -2);
    await clock.advance(10);
    notes.add('both', 7, { type: 'resync' }, false);
    notes.add('second', 1, MANUAL, false);
    for (const key of ['both', 'second']) notes.putBack(key, true);
    for (const key of ['first', 'none', 'unknown']) notes.putBack(key, false);
    const causes = [{ type: 'manual', count: 1 }];
    expect(notes.look('both')).toEqual({ priority: 7, since: 0, causes: [...causes, { type: 'resync', count: 1 }] });
    expect(notes.look('first')).toEqual({ priority: 2, since: 0, causes });
    expect(notes.look('second')).toMatchObject({ priority: 1, causes });
    expect(notes.look('none')).toEqual({ priority: -2, since: undefined, causes: [] });
    // Put back twice, nothing is counted twice.
    notes.putBack('first', true);
    expect(notes.look('first')).toEqual({ priority: 2, since: 0, causes });
  });

  it('forgets those that are dropped, of the wanted alone', () => {
    const { notes } = noted();
    for (const key of ['a', 'b', 'held']) notes.add(key, 1, undefined, false);
    notes.handedOut('held');
    notes.drop((key) => key !== 'b');
    expect(['a', 'b', 'held'].map((key) => notes.look(key).priority)).toEqual([0, 1, 1]);
    expect(notes.size).toBe(2);
  });
});
