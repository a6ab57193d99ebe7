import { expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { silentLogger } from '../internal/logger.ts';
import { createMetrics } from '../internal/metrics.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore } from '../store/index.ts';
import { electedCollector, type ElectedCollectorOptions } from './elected-collector.ts';

it('a collector that fails says so, gives its leadership up, and stands again a little later', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const said: unknown[] = [];
  let asked = 0;
  const broken = { informer: { waitFor: () => Promise.reject(new SetpointError('HistoryReset', 'another history')) } };
  const caches = { list: () => (++asked === 1 ? [broken] : []) } as unknown as ElectedCollectorOptions['caches'];
  const logger = { ...silentLogger, child: () => logger, error: (fields: object) => void said.push(fields) };
  const collector = electedCollector({
    name: 'apps',
    store,
    prefix: '/registry',
    caches,
    clock,
    logger,
    random: seededRandom(1),
    metrics: createMetrics(),
    transformerOf: undefined,
  });
  const stop = new AbortController();
  const running = collector.run(stop.signal);
  const leaders = async (): Promise<number> => (await store.range({ prefix: '/registry/_coordination/' })).kvs.length;
  while (said.length === 0) await clock.advance(10);
  expect(said).toMatchObject([{ err: { code: 'HistoryReset' } }]);
  await clock.advance(100);
  expect(await leaders()).toBe(0);
  while (asked < 3) await clock.advance(100);
  expect(clock.now()).toBeLessThan(5000);
  expect(await leaders()).toBe(1);
  stop.abort();
  await clock.advance(100);
  await running;
  expect(said).toHaveLength(1);
});
