import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { settle } from './fake-clock.ts';
import { linkedAbort } from './linked-abort.ts';

describe('linkedAbort', () => {
  it('aborts with its parent, with the reason of the parent', () => {
    const parent = new AbortController();
    const child = linkedAbort(parent.signal, undefined);
    parent.abort('stopping');
    expect(child.signal.reason).toBe('stopping');
  });

  it('is aborted from the start when a parent is', () => {
    expect(linkedAbort(AbortSignal.abort('before')).signal.reason).toBe('before');
  });

  it('I-180: leaves no listener on a long-lived parent once unlinked', () => {
    const parent = new AbortController();
    for (let attempt = 0; attempt < 1_000; attempt++) linkedAbort(parent.signal).unlink();
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
    const child = linkedAbort(parent.signal);
    child.unlink();
    parent.abort();
    expect(child.signal.aborted).toBe(false);
  });

  it('I-180: any number of children of one parent draws no warning of a leak', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const parent = new AbortController();
    const children = Array.from({ length: 50 }, () => linkedAbort(parent.signal));
    await settle();
    process.off('warning', onWarning);
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(50);
    expect(warnings).toEqual([]);
    children.forEach((child) => child.unlink());
  });
});
