import { describe, expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore, type Store, type WatchBatch } from '../store/index.ts';
import { createManager } from './control-plane.ts';
import { defineController } from './define-controller.ts';

/** A connection for watches that can break and come back. */
function cuttable() {
  let broken: SetpointError | undefined;
  let [breaks, cutNow] = [new Promise<void>(() => {}), (): void => {}];
  const mend = (): void => {
    broken = undefined;
    breaks = new Promise((resolve) => (cutNow = resolve));
  };
  const cut = (): void => {
    broken = new SetpointError('Unavailable', 'cut');
    cutNow();
  };
  async function* through(batches: AsyncIterable<WatchBatch>, stands?: () => void): AsyncGenerator<WatchBatch> {
    if (!broken) stands?.();
    const iterator = batches[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), breaks]);
      if (broken) throw broken;
      if (!next || next.done === true) return;
      yield next.value;
    }
  }
  mend();
  return { cut, mend, through };
}

describe('the life of a control plane', () => {
  it('refuses a new cache each time it is asked for after the stop: nobody would run it', async () => {
    const manager = createManager({ store: memoryStore({ clock: new FakeClock() }), garbageCollection: false });
    await manager.stop();
    for (const ask of ['first', 'again'])
      expect(() => manager.informer(Server), ask).toThrow(/can't be added any more/);
  });

  it('fails with what keeps it from standing for election, such as a role that lacks the keys', async () => {
    const clock = new FakeClock();
    const memory = memoryStore({ clock });
    const refuse = () => Promise.reject(new SetpointError('PermissionDenied', 'txn "/registry/_coordination/…"'));
    const store = new Proxy(memory, {
      get(target, name) {
        if (name === 'txn') return refuse;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const options = { store, clock, random: seededRandom(1), leaderElection: { name: 'ours' } };
    const run = createManager(options)
      .run(new AbortController().signal)
      .catch((error: unknown) => error);
    await clock.advance(60_000);
    expect(await run).toMatchObject({ code: 'PermissionDenied' });
  });

  it('I-61: fails naming the kind whose cache is not complete after two minutes', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const deaf = Object.create(store, {
      range: { value: () => Promise.reject(new SetpointError('Unavailable', 'no endpoint')) },
      watch: { value: store.watch.bind(store) },
    }) as Store;
    const manager = createManager({ store: deaf, resources: [Website], clock, random: seededRandom(1) });
    const run = manager.run(new AbortController().signal).catch((error: unknown) => error);
    await clock.advance(119_000);
    expect(manager.state).toBe('starting');
    await clock.advance(1000);
    expect(await run).toMatchObject({ code: 'Timeout', message: expect.stringContaining('Website') as string });
    expect(clock.pendingTimers).toBe(0);
  });

  it('shares one cache per kind, and runs one that is asked for later', async () => {
    const { manager, client, clock, stop } = await running([defineController(Website, { reconcile: () => {} })]);
    expect(manager.informer(Website)).toBe(manager.informer(Website));
    const servers = manager.informer(Server);
    await client.resource(Server).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect([...servers.lister.keys()]).toEqual(['default/a']);
    await stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('caches are complete before runnables start, and runnables ready before controllers', async () => {
    const order: string[] = [];
    const store = memoryStore();
    await createManager({ store }).client.resource(Website).create({ name: 'a', spec: {} });
    const runnable = {
      name: 'agent',
      run: (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      ready: async () => void order.push(`ready, websites cached: ${manager.informer(Website).lister.size}`),
    };
    const clock = new FakeClock();
    const manager = createManager({
      store,
      clock,
      controllers: [defineController(Website, { reconcile: () => void order.push('reconcile') })],
      runnables: [runnable],
    });
    const abort = new AbortController();
    const run = manager.run(abort.signal);
    await clock.advance(0);
    expect(order).toEqual(['ready, websites cached: 1', 'reconcile']);
    abort.abort();
    await run;
  });

  it('I-163: readiness follows the manager and the freshness of its caches; metrics are served', async () => {
    const connection = cuttable();
    const { manager, clock, stop } = await running([defineController(Website, { reconcile: () => {} })], {
      health: { port: 0 },
      store: interposedStore(memoryStore(), {
        watch: (request, open, options) => connection.through(open(request), options.onConnection),
      }),
    });
    const url = await manager.healthUrl();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    connection.cut();
    await clock.advance(2000);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await clock.advance(90_000);
    const stale = await fetch(`${url}/readyz`);
    expect([stale.status, await stale.text()]).toEqual([503, expect.stringContaining('Website')]);
    connection.mend();
    await clock.advance(90_000);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('controller_runtime_reconcile_total');
    expect(metrics).toContain('setpoint_informer_lag_seconds{informer="Website"}');
    await stop();
  });

  it('F-44, I-163: a kind that went at once is held and makes the replica unready until somebody releases it', async () => {
    const { manager, clock, store, client, stop } = await running(
      [defineController(Website, { reconcile: () => {} })],
      { health: { port: 0 }, massDelete: { least: 3 }, resources: [Server] },
    );
    const names = ['a', 'b', 'c'];
    for (const name of names) await client.resource(Website).create({ name, spec: {} });
    await clock.advance(0);
    await store.delete({ prefix: '/registry/websites/' });
    await clock.advance(0);
    const url = await manager.healthUrl();
    const unready = await fetch(`${url}/readyz`);
    expect([unready.status, await unready.text()]).toEqual([503, expect.stringMatching(/Website: held/)]);
    expect([manager.informer(Website).held, manager.informer(Server).held]).toEqual([true, false]);
    manager.informer(Website).release();
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await stop();
  });

  it('F-44: the guard of all caches can be left out', async () => {
    const { manager, clock, store, client, stop } = await running([], { resources: [Server], massDelete: false });
    for (let at = 0; at < 100; at++) await client.resource(Server).create({ name: `s${at}`, spec: {} });
    await clock.advance(0);
    await store.delete({ prefix: '/registry/servers/' });
    await clock.advance(0);
    const { held, lister, counts } = manager.informer(Server);
    expect([held, lister.size, counts.massDeletes]).toEqual([false, 0, 0]);
    await stop();
  });

  it('I-190: names the reconcile that does not come back, in health, debug pages and the error of the stop', async () => {
    let end!: () => void;
    const stuck = new Promise<void>((resolve) => (end = resolve));
    const clock = new FakeClock();
    const manager = createManager({
      store: memoryStore({ clock }),
      controllers: [defineController(Website, { reconcile: () => stuck })],
      health: { port: 0 },
      gracefulTimeoutMs: 5000,
      clock,
    });
    const abort = new AbortController();
    const run = manager.run(abort.signal);
    const url = await manager.healthUrl();
    await clock.advance(0);
    await manager.whenReady();
    await manager.client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(60_000);
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([200, expect.stringContaining('default/a for 60 s')]);
    const page = async (name: string): Promise<unknown> => (await fetch(`${url}/debug/${name}`)).json();
    expect(await page('queues')).toMatchObject([
      { controller: 'websites', processing: 1, running: [{ key: 'default/a', overdue: true }] },
    ]);
    expect(await page('informers')).toMatchObject([{ name: 'Website', phase: 'watching', objects: 1, synced: true }]);
    expect(await page('leases')).toEqual([]);
    expect(await page('runnables')).toMatchObject({ state: 'ready', runnables: expect.any(Array) as unknown });
    const outcome = run.catch(String);
    abort.abort();
    await clock.advance(5000);
    expect(await outcome).toContain("'websites' (leader-elected, for 5 s): default/a for 65 s");
    end();
  });

  it('I-164: SIGTERM ends the run, and closes the store because the process is about to end', async () => {
    const store = memoryStore();
    const manager = createManager({ store, resources: [Website], clock: new FakeClock() });
    const run = manager.run();
    await manager.whenReady();
    process.emit('SIGTERM');
    await run;
    await expect(store.range({ key: 'x' })).rejects.toMatchObject({ code: 'Closed' });
  });

  it('leaves the store open when it was stopped otherwise', async () => {
    const store = memoryStore();
    const manager = createManager({ store, resources: [Website], clock: new FakeClock() });
    const run = manager.run();
    await manager.whenReady();
    await manager.stop();
    await run;
    expect((await store.range({ key: 'x' })).kvs).toEqual([]);
  });

  it('X1: a hundred lives on one store leave no timer and no listener behind', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const abort = new AbortController();
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', onWarning);
    for (let life = 0; life < 100; life++) {
      const manager = createManager({
        store,
        clock,
        random: seededRandom(life),
        controllers: [defineController(Website, { owns: [Server], reconcile: () => ({ requeueAfterMs: 1000 }) })],
      });
      const run = manager.run(abort.signal);
      await clock.advance(0);
      await manager.whenReady();
      await manager.stop();
      await run;
    }
    process.off('warning', onWarning);
    expect(clock.pendingTimers).toBe(0);
    expect(warnings).toEqual([]);
  });
});
