import { describe, expect, it } from 'vitest';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { sleep } from '../internal/clock.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { defineController } from './define-controller.ts';

/** A store whose watches tell everything 200 ms late. */
function laggingStore(clock: FakeClock): Store {
  const store = memoryStore({ clock });
  return new Proxy(store, {
    get(target, name: keyof Store) {
      if (name !== 'watch') return (target[name] as (...args: unknown[]) => unknown).bind(target);
      return async function* (...args: Parameters<Store['watch']>) {
        for await (const batch of target.watch(...args)) {
          await sleep(clock, 200, args[1]?.signal);
          yield batch;
        }
      };
    },
  });
}

describe('read your own writes', () => {
  it('I-194: 10,000 times create and list in the next run, with watches 200 ms late: never a list without what was created', async () => {
    const [SITES, LOOPS] = [500, 20];
    const clock = new FakeClock();
    const created = new Map<string, number>();
    let [runs, stale] = [0, 0];
    const { client, errors } = await running(
      [
        defineController(Website, {
          owns: [Server],
          concurrency: SITES,
          fairness: false,
          async reconcile({ key, object, owned }) {
            const made = created.get(key) ?? 0;
            runs++;
            if (owned(Server).list().length !== made) stale++;
            if (made === LOOPS) return undefined;
            await owned(Server).create({ name: `${object.metadata.name}-${made}`, spec: {} });
            created.set(key, made + 1);
            // At once, and not when the watch tells of it: the cache knows nothing yet.
            return { requeueAfterMs: 1 };
          },
        }),
      ],
      { clock, store: laggingStore(clock), garbageCollection: false },
    );
    for (let site = 0; site < SITES; site++) await client.resource(Website).create({ name: `s${site}`, spec: {} });
    const done = () => [...created.values()].every((made) => made === LOOPS) && created.size === SITES;
    for (let rounds = 0; rounds < 400 && !done(); rounds++) await clock.advance(250);
    await clock.advance(1000);
    expect([stale, errors()]).toEqual([0, []]);
    expect([...created.values()].reduce((sum, made) => sum + made, 0)).toBe(SITES * LOOPS);
    expect(runs).toBeGreaterThan(SITES * LOOPS);
  }, 120_000);
});
