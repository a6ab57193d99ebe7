import { describe, expect, it } from 'vitest';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { isSetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { memoryStore, type Store } from '../store/index.ts';
import { defineController } from './define-controller.ts';

/** A store whose watches deliver nothing while they are held. */
function holdingStore(clock: FakeClock) {
  const store = memoryStore({ clock });
  let held: Promise<void> = Promise.resolve();
  let release = (): void => {};
  const hold = (): void => {
    held = new Promise((resolve) => (release = resolve));
  };
  const holding = Object.create(store, {
    watch: {
      value: async function* (...args: Parameters<Store['watch']>) {
        for await (const batch of store.watch(...args)) {
          await held;
          yield batch;
        }
      },
    },
    range: { value: (...args: Parameters<Store['range']>) => store.range(...args) },
    txn: { value: (...args: Parameters<Store['txn']>) => store.txn(...args) },
  }) as Store;
  return { holding, hold, release: () => release() };
}

describe('read your own writes', () => {
  it('I-194: an object is not reconciled again before the caches show what its last reconcile wrote', async () => {
    const clock = new FakeClock();
    const { holding, hold, release } = holdingStore(clock);
    const seen: number[] = [];
    const { client, manager } = await running(
      [
        defineController(Website, {
          owns: [Server],
          async reconcile({ owned, object }) {
            if (object.spec.replicas === 0) return;
            const servers = owned(Server);
            seen.push(servers.list().length);
            hold();
            // Without the promise this would make one more each time that it runs on a stale cache.
            if (servers.list().length === 0) await servers.apply({ name: `s${seen.length}`, spec: {} });
          },
        }),
      ],
      { store: holding, clock },
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect(seen).toEqual([0]);
    manager.controller('websites').queue.add('default/a');
    await clock.advance(1000);
    expect(seen).toEqual([0]);
    release();
    await clock.advance(0);
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen.slice(1))).toEqual(new Set([1]));
    expect((await client.resource(Server).list()).items).toHaveLength(1);
    release();
  });

  it('a cache that does not catch up within three seconds fails the attempt, and the next one waits again', async () => {
    const clock = new FakeClock();
    const { holding, hold, release } = holdingStore(clock);
    let runs = 0;
    const { client, manager, errors } = await running(
      [
        defineController(Website, {
          async reconcile({ status }) {
            runs++;
            hold();
            await status({ ready: runs });
          },
        }),
      ],
      { store: holding, clock },
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    manager.controller('websites').queue.add('default/a');
    await clock.advance(10_000);
    expect(runs).toBe(1);
    expect(errors().length).toBeGreaterThan(1);
    expect(errors().every((error) => isSetpointError(error, 'Timeout'))).toBe(true);
    release();
    await clock.advance(100);
    expect(runs).toBeGreaterThan(1);
    release();
  });
});
