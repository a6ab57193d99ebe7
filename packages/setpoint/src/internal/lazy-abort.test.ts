import { describe, expect, it } from 'vitest';
import { LazyAbort } from './lazy-abort.ts';

describe('an end whose signal is made on demand', () => {
  it('is the same signal each time, and aborts with the first reason', () => {
    const end = new LazyAbort();
    const { signal } = end;
    expect(end.signal).toBe(signal);
    expect([end.aborted, signal.aborted]).toEqual([false, false]);
    end.abort('first');
    end.abort('second');
    expect([end.aborted, signal.aborted, signal.reason]).toEqual([true, true, 'first']);
  });

  it('that nobody asked for before is aborted from the beginning, with the reason', () => {
    const end = new LazyAbort();
    end.abort(undefined);
    end.abort('second');
    expect(end.signal.aborted).toBe(true);
    expect(end.signal.reason).toMatchObject({ name: 'AbortError' });
  });
});
