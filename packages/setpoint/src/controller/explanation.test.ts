import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';
import { settle } from '../internal/fake-clock.ts';
import { terminal } from './reconciler.ts';

describe('explain', () => {
  it('I-185: says why a key ran: its causes, what it wrote, how it ended, the last five runs, the newest first', async () => {
    let run = 0;
    const { controller, clock, stop } = await started(({ key }, { wrote }) => {
      run++;
      if (run === 2) throw new Error('the second');
      if (run > 3) wrote({ kind: 'Server', key: `${key}-0`, revision: BigInt(run) });
    });
    const states = { before: { spec: { replicas: 1 } }, after: { spec: { replicas: 2 } } };
    controller.enqueue('default/web', {
      type: 'event',
      source: 'Website',
      object: 'default/web',
      change: 'add',
      revision: 3n,
    });
    await settle();
    controller.enqueue('default/web', {
      type: 'event',
      source: 'Website',
      object: 'default/web',
      change: 'update',
      revision: 7n,
      states,
    });
    await clock.advance(0);
    expect(controller.explain('default/web')).toMatchObject({
      state: 'delayed',
      summary:
        'Ready in 5 ms, because of failure 1. It failed once in a row. The last run was because of an update of ' +
        'Website default/web at revision 7 (spec.replicas), took 0 ms, wrote nothing and failed with Error: the second.',
      queued: { failures: 1, readyInMs: 5, causes: [{ type: 'retry', failure: 1, count: 1 }] },
    });
    for (let i = 0; i < 4; i++) {
      await clock.advance(1000);
      controller.enqueue('default/web');
    }
    await settle();
    const { state, summary, runs, running, queued } = controller.explain('default/web');
    expect([state, running, queued]).toEqual(['idle', undefined, undefined]);
    expect(summary).toBe(
      'Nothing asks for it. The last run was because of a request by hand, took 0 ms, wrote once and went well.',
    );
    expect(runs.map(({ writes }) => writes[0]?.revision)).toEqual([7n, 6n, 5n, 4n, undefined]);
    expect(runs.at(-1)).toMatchObject({ attempt: 2, result: 'success', causes: [{ type: 'retry', failure: 1 }] });
    await stop();
  });

  it('I-185: says of a running key for how long and why, and that it is wanted again', async () => {
    const { reconcile, end } = held();
    const { controller, clock, stop } = await started(reconcile);
    controller.enqueue('a');
    controller.enqueue('b');
    await clock.advance(1500);
    controller.enqueue('a');
    expect(controller.explain('a').summary).toBe(
      'Running for 1.5 s, because of a request by hand. It is wanted once more after that.',
    );
    expect(controller.explain('b')).toMatchObject({
      state: 'ready',
      summary:
        'Ready, at priority 0, because of a request by hand. All 1 workers are busy. ' +
        'It has not run as far back as is remembered.',
    });
    await clock.advance(28_500);
    expect(controller.explain('a').summary).toContain('past its time,');
    await clock.advance(5000);
    expect(controller.explain('a').summary).toContain('past its time and grace: it ignores its signal');
    expect(controller.running()).toMatchObject([
      { key: 'a', timedOut: true, overdue: true, runningMs: 35_000 },
      { key: 'b', timedOut: false, overdue: false, runningMs: 0 },
    ]);
    for (const key of ['a', 'b']) await end(key);
    await end('a');
    await stop();
  });

  it('I-185: knows nothing of a key that nobody ever asked for, and forgets the keys that ran longest ago', async () => {
    const { controller, stop } = await started(() => {}, { history: { runsPerKey: 1, keysMax: 2 } });
    for (const key of ['a', 'b', 'a', 'c']) {
      controller.enqueue(key);
      await settle();
    }
    expect(controller.explain('x')).toMatchObject({ state: 'idle', runs: [] });
    expect(['a', 'b', 'c'].map((key) => controller.explain(key).runs.length)).toEqual([1, 0, 1]);
    await stop();
    const off = await started(() => {}, { history: { runsPerKey: 0 } });
    off.controller.enqueue('a');
    await settle();
    expect(off.controller.explain('a').runs).toEqual([]);
    await off.stop();
  });

  it('I-185: remembers errors short, and results in full', async () => {
    const { controller, clock, stop } = await started(({ key }) => {
      if (key === 'bad') throw terminal('x'.repeat(10_000));
      return key === 'later' ? { requeueAfterMs: 90_000 } : { requeue: true };
    });
    for (const key of ['bad', 'later', 'again']) controller.enqueue(key);
    await clock.advance(0);
    const last = (key: string) => controller.explain(key).runs[0]!;
    expect(last('bad').error!.length).toBeLessThan(400);
    expect(last('later')).toMatchObject({ result: 'requeue_after', requeueAfterMs: 90_000 });
    expect(last('again').result).toBe('requeue');
    expect(controller.explain('later').summary).toContain('asked to be run again after 90.0 s');
    expect(controller.explain('later').summary).toContain('Ready in 90.0 s, because of a run that asked for another.');
    await stop();
  });
});
