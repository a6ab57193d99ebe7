import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { abortable } from './abortable.ts';
import { deferred } from './deferred.ts';

describe('abortable', () => {
  it('settles as the work does and leaves nothing attached to the signal', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
    await Promise.resolve();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('rejects as soon as the signal aborts, and drops what becomes of the work', async () => {
    const stop = new AbortController();
    const work = deferred<number>();
    const waiting = expect(abortable(work.promise, stop.signal)).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await waiting;
    work.reject(new Error('late'));
    await expect(abortable(Promise.resolve(1), stop.signal)).rejects.toThrow('enough');
  });
});
