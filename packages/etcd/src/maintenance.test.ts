import { isSetpointError } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import type { Calls } from './calls.ts';
import { statusOfAll } from './maintenance.ts';
import { resolveOptions } from './options.ts';

/** A store of which one endpoint answers and the other does nothing. */
function setUp() {
  const clock = new FakeClock();
  const closing = new AbortController();
  const header = { cluster_id: '1', member_id: '2', revision: '3' };
  const answer = { header, version: '3.5.0', dbSize: '4', leader: '2', raftTerm: '5', isLearner: false, errors: [] };
  const transport = { unary: () => ({ answer: Promise.resolve(answer), cancel: () => {} }) };
  const calls = {
    closing: closing.signal,
    settings: resolveOptions({ endpoints: ['a', 'b'], clock }),
    endpoints: {
      all: [
        { url: 'http://a:2379', connect: () => Promise.resolve(true), transport },
        { url: 'http://b:2379', connect: () => new Promise(() => {}), transport },
      ],
    },
    unary: () => Promise.resolve(answer),
  } as unknown as Calls;
  return { calls, clock, closing };
}

const outcome = (promise: Promise<readonly { endpoint: string }[]>): { value: unknown } => {
  const told = { value: undefined as unknown };
  promise.then(
    (all) => (told.value = all.map(({ endpoint }) => endpoint)),
    (error: unknown) => (told.value = isSetpointError(error) ? error.code : error),
  );
  return told;
};

describe('statusOfAll', () => {
  it('leaves an endpoint out that does not answer within the call’s time', async () => {
    const { calls, clock } = setUp();
    const told = outcome(statusOfAll(calls, { timeoutMs: 300 }));
    await clock.advance(299);
    expect(told.value).toBe(undefined);
    await clock.advance(1);
    expect(told.value).toEqual(['http://a:2379']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits for dialTimeoutMs when the call may take longer', async () => {
    const { calls, clock } = setUp();
    const told = outcome(statusOfAll(calls));
    await clock.advance(2000);
    expect(told.value).toEqual(['http://a:2379']);
  });

  it('ends at once when its caller gives up or the store closes', async () => {
    const { calls, closing } = setUp();
    const caller = new AbortController();
    const aborted = outcome(statusOfAll(calls, { signal: caller.signal }));
    const closed = outcome(statusOfAll(calls));
    await settle();
    caller.abort();
    await settle();
    expect([aborted.value, closed.value]).toEqual(['Aborted', undefined]);
    closing.abort();
    await settle();
    expect(closed.value).toBe('Closed');
  });
});
