import { expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { silentLogger } from '../internal/logger.ts';
import { createMetrics } from '../internal/metrics.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore } from '../store/index.ts';
import { electedCollector, type ElectedCollectorOptions } from './elected-collector.ts';

/** A collector whose terms end as `waitFor` makes them. */
function collecting(list: () => unknown[]) {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const said: unknown[] = [];
  const logger = { ...silentLogger, child: () => logger, error: (fields: object) => void said.push(fields) };
  const collector = electedCollector({
    name: 'apps',
    store,
    prefix: '/registry',
    caches: { list } as unknown as ElectedCollectorOptions['caches'],
    clock,
    logger,
    random: seededRandom(1),
    metrics: createMetrics(),
    transformerOf: undefined,
  });
  const abort = new AbortController();
  const running = collector.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await clock.advance(100);
    await running;
  };
  return { clock, store, said, stop };
}

type WaitFor = (revision: bigint, options: { readonly signal: AbortSignal }) => Promise<unknown>;
const failing = (waitFor: WaitFor): unknown => ({ informer: { waitFor } });
const RESET = new SetpointError('HistoryReset', 'another history');

it('a collector that fails says so, gives its leadership up, and stands again a little later', async () => {
  let asked = 0;
  const { clock, store, said, stop } = collecting(() => (++asked === 1 ? [failing(() => Promise.reject(RESET))] : []));
  const leaders = async (): Promise<number> => (await store.range({ prefix: '/registry/_coordination/' })).kvs.length;
  while (said.length === 0) await clock.advance(10);
  expect(said).toMatchObject([{ err: { code: 'HistoryReset' } }]);
  await clock.advance(100);
  expect(await leaders()).toBe(0);
  while (asked < 3) await clock.advance(100);
  expect(clock.now()).toBeLessThan(5000);
  expect(await leaders()).toBe(1);
  await stop();
  expect(said).toHaveLength(1);
});

it('one that fails again and again waits ever longer, and begins anew after one that worked for a while', async () => {
  const begun: number[] = [];
  const livesMs = [0, 0, 0, 0, 0, 61_000];
  const { clock, stop } = collecting(() => [
    failing((_revision, { signal }) => {
      const lifeMs = livesMs[begun.length];
      begun.push(clock.now());
      return new Promise((_, reject) => {
        if (lifeMs !== undefined) clock.setTimer(() => reject(RESET), lifeMs);
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    }),
  ]);
  while (begun.length < 7) await clock.advance(100);
  const waits = begun.slice(1).map((at, index) => (at - begun[index]! - livesMs[index]!) / 1000);
  expect(waits[4]).toBeGreaterThan(10);
  expect(waits[5]).toBeLessThan(3);
  await stop();
});
