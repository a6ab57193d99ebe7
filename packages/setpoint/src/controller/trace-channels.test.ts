import { tracingChannel } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';
import { settle } from '../internal/fake-clock.ts';
import type { ReconcileTrace } from './trace-channels.ts';

/** Listens to `setpoint:reconcile` until the returned function is called. */
function listening() {
  const heard: (readonly [string, string, ReconcileTrace])[] = [];
  const on = (event: string) => (message: unknown) => {
    const trace = message as ReconcileTrace;
    heard.push([event, trace.key, trace]);
  };
  const handlers = {
    start: on('start'),
    end: on('end'),
    asyncStart: () => {},
    asyncEnd: on('asyncEnd'),
    error: () => {},
  };
  const channel = tracingChannel('setpoint:reconcile');
  channel.subscribe(handlers);
  return { heard, stop: () => channel.unsubscribe(handlers) };
}

describe('the tracing channel setpoint:reconcile', () => {
  it('I-187: tells of the call, and of the end when the function has really returned, with causes and writes', async () => {
    const { heard, stop: unsubscribe } = listening();
    const { reconcile, end } = held();
    const { controller, stop } = await started((request, attempt) => {
      attempt.wrote({ kind: 'Server', key: 'default/s', revision: 9n });
      return reconcile(request, attempt);
    });
    controller.enqueue('default/a');
    await settle();
    expect(heard.map(([event]) => event)).toEqual(['start', 'end']);
    await end('default/a');
    unsubscribe();
    expect(heard.map(([event, key]) => [event, key])).toEqual([
      ['start', 'default/a'],
      ['end', 'default/a'],
      ['asyncEnd', 'default/a'],
    ]);
    expect(new Set(heard.map(([, , trace]) => trace)).size).toBe(1);
    expect(heard[2]![2]).toMatchObject({
      controller: 'test',
      attempt: 1,
      causes: [{ type: 'manual', count: 1 }],
      queuedMs: 0,
      writes: [{ kind: 'Server', revision: 9n }],
      outcome: { type: 'success' },
    });
    await stop();
  });

  it('I-187: a reconcile that throws ends in the channel too', async () => {
    const { heard, stop: unsubscribe } = listening();
    const { controller, stop } = await started(() => {
      throw new Error('x');
    });
    controller.enqueue('a');
    await settle();
    unsubscribe();
    expect(heard.map(([event]) => event)).toEqual(['start', 'end', 'asyncEnd']);
    expect(heard[2]![2].outcome).toMatchObject({ type: 'error' });
    await stop();
  });
});
