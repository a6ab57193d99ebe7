import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { warningsOf } from '../../../../test/harness/warnings-of.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { Waiters } from './waiters.ts';

describe('Waiters', () => {
  it('lets go of those whose condition holds, and only of those', async () => {
    const waiters = new Waiters(new FakeClock());
    let level = 0;
    const done: number[] = [];
    for (const target of [1, 2]) void waiters.wait('it', () => level >= target).then(() => done.push(target));
    level = 1;
    waiters.check();
    await Promise.resolve();
    expect(done).toEqual([1]);
  });

  it('I-180: leaves no listener on the signal and no timer, however a wait ends', async () => {
    const clock = new FakeClock();
    const waiters = new Waiters(clock);
    const { signal } = new AbortController();
    const failures: string[] = [];
    let holds = false;
    const wait = (timeoutMs: number): Promise<unknown> =>
      waiters.wait('it', () => holds, { signal, timeoutMs }).catch((error: SetpointError) => failures.push(error.code));
    const late = wait(10);
    await clock.advance(10);
    await late;
    const failed = wait(10);
    waiters.fail(new SetpointError('HistoryReset', 'gone'));
    await failed;
    const well = wait(10);
    holds = true;
    waiters.check();
    await well;
    expect(failures).toEqual(['Timeout', 'HistoryReset']);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-180: any number of waits may have one signal, without a warning of a leak', async () => {
    const waiters = new Waiters(new FakeClock());
    const { signal } = new AbortController();
    const warned = await warningsOf(() => {
      for (let wait = 0; wait < 20; wait++) void waiters.wait('it', () => false, { signal }).catch(() => {});
    });
    expect(warned).toEqual([]);
    waiters.close(new SetpointError('Closed', 'over'));
  });

  it('a closed one still says yes to what holds, and no to the rest', async () => {
    const waiters = new Waiters(new FakeClock());
    waiters.close(new SetpointError('Closed', 'over'));
    await waiters.wait('it', () => true);
    await expect(waiters.wait('it', () => false)).rejects.toMatchObject({ code: 'Closed' });
  });

  it('an aborted signal ends the wait with its reason as the cause', async () => {
    const waiters = new Waiters(new FakeClock());
    const aborted = waiters.wait('it', () => false, { signal: AbortSignal.abort('enough') });
    await expect(aborted).rejects.toMatchObject({ code: 'Aborted', cause: 'enough' });
  });
});
