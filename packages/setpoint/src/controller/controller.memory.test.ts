import { describe, expect, it } from 'vitest';
import { heapUsed } from '../../../../test/harness/heap-used.ts';
import { manualSource, started } from '../../../../test/harness/started-controller.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { sleep } from '../internal/clock.ts';

describe('memory', () => {
  it('F-100: a million events on 10,000 keys while each reconcile takes a second: 10,000 queued at most, memory flat', async () => {
    const [KEYS, EVENTS, WORKERS, ROUNDS] = [10_000, 1_000_000, 10, 40];
    const clock = new FakeClock();
    const source = manualSource();
    let runs = 0;
    const { controller, stop } = await started(
      async (_request, { signal }) => {
        await sleep(clock, 1000, signal);
        runs++;
      },
      { clock, sources: [source], concurrency: WORKERS, onReconciled: () => {} },
    );
    const keys = Array.from({ length: KEYS }, (_, index) => `ns-${index % 50}/k${index}`);
    let [queued, grown, before] = [0, 0, 0];
    for (let event = 0; event < EVENTS; event++) {
      const key = keys[event % KEYS]!;
      const states = { before: { spec: { n: event } }, after: { spec: { n: event + 1 } } };
      source.sink!.enqueue(key, {
        cause: { type: 'event', source: 'Website', object: key, change: 'update', revision: BigInt(event), states },
      });
      queued = Math.max(queued, controller.queue.length);
      if (event % (EVENTS / ROUNDS) !== EVENTS / ROUNDS - 1) continue;
      await clock.advance(1000);
      // The first round fills the queue: what every key weighs. From then on nothing may be added to that.
      if (before === 0) before = heapUsed();
      else if (event % (EVENTS / 4) === EVENTS / 4 - 1) grown = Math.max(grown, heapUsed() - before);
    }
    expect(queued).toBeLessThanOrEqual(KEYS);
    expect(runs).toBe(WORKERS * ROUNDS);
    expect(grown).toBeLessThan(16e6);
    await stop();
    await settle();
    expect(clock.pendingTimers).toBe(0);
  }, 60_000);
});
