import { getEventListeners } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { abortable } from './abortable.ts';
import { deferred } from './deferred.ts';
import { settle } from './fake-clock.ts';

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

  it('F-29: any number of waits under one signal draws no warning of a leak', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const [{ signal }, work] = [new AbortController(), deferred<number>()];
    const waits = Array.from({ length: 50 }, () => abortable(work.promise, signal));
    await settle();
    expect(warnings).toEqual([]);
    work.resolve(1);
    await Promise.all(waits);
  });
});
