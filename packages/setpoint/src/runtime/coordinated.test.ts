import { beforeEach, describe, expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { Server, Website } from '../../../../test/harness/running-manager.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { keyRange, keyText, memoryStore, type RangeRequest, type Store } from '../store/index.ts';
import { type ControlPlane, createManager } from './control-plane.ts';
import type { ControlPlaneOptions } from './manager-options.ts';
import { type ControllerDefinition, defineController } from './define-controller.ts';

const ELECTION = '/registry/_coordination/elections/test/';

/** A watch that tells nothing. */
const pending = (): AsyncIterable<never> => ({
  [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
});

describe('several replicas of a manager', () => {
  let clock: FakeClock;
  let store: Store;
  let ran: string[];
  let seed: number;

  beforeEach(() => {
    clock = new FakeClock();
    store = memoryStore({ clock });
    ran = [];
    seed = 1;
  });

  /** Notes who reconciled what. */
  const noting = (who: string): ControllerDefinition =>
    defineController(Website, { reconcile: ({ key }) => void ran.push(`${who} ${key}`) });

  function start(controllers: ControllerDefinition[], options: Partial<ControlPlaneOptions>) {
    const manager = createManager({ store, controllers, clock, random: seededRandom(seed++), ...options });
    const abort = new AbortController();
    const run = manager.run(abort.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    return { manager, abort, run };
  }
  const elected = (who: string, controllers = [noting(who)]) =>
    start(controllers, { leaderElection: { name: 'test', identity: who } });
  const sharded = (who: string, controllers = [noting(who)]) =>
    start(controllers, { sharding: { name: 'test', slots: 8, identity: who, leaseDurationMs: 6000 } });
  const create = async ({ unsafeClient }: ControlPlane, ...names: string[]) => {
    for (const name of names) await unsafeClient.resource(Website).create({ name, spec: {} });
  };

  describe('with leader election', () => {
    it('I-71, I-140: controllers run on the leader only; a standby is ready and warm, and goes on where the leader stopped', async () => {
      const a = elected('a');
      await clock.advance(0);
      const b = elected('b');
      await clock.advance(0);
      await create(a.manager, 'one', 'two');
      await clock.advance(0);
      expect(ran).toEqual(['a default/one', 'a default/two']);
      await b.manager.whenReady();
      expect(b.manager.state).toBe('standby');
      expect(b.manager.informer(Website).lister.size).toBe(2);
      expect(b.manager.controller('websites').queue.length).toBe(0);
      a.abort.abort();
      await clock.advance(1500);
      expect(await a.run).toBeUndefined();
      expect(b.manager.state).toBe('ready');
      expect(ran.slice(2)).toEqual(['b default/one', 'b default/two']);
      b.abort.abort();
      await clock.advance(0);
      expect(await b.run).toBeUndefined();
    });

    it('I-71: a standby that takes over begins at once with its warm caches, and lists nothing again', async () => {
      const a = elected('a');
      await clock.advance(0);
      const lists: RangeRequest[] = [];
      const shared = store;
      store = interposedStore(shared, {
        range(request, ask) {
          if (keyText(keyRange(request).start).startsWith('/registry/websites/')) lists.push(request);
          return ask(request);
        },
      });
      const b = elected('b');
      await clock.advance(0);
      for (let i = 0; i < 50; i++) await create(a.manager, `site-${i}`);
      for (let i = 0; i < 50; i++) await a.manager.unsafeClient.resource(Website).delete(`default/site-${i}`);
      await create(a.manager, 'one', 'two');
      await clock.advance(60_000);
      const standing = b.manager.controller('websites').queue;
      expect([standing.length, standing.waiting, b.manager.informer(Website).lister.size]).toEqual([0, 0, 2]);
      const [listedBefore, ranBefore] = [lists.length, ran.length];
      expect(listedBefore).toBeGreaterThan(0);
      a.abort.abort();
      await clock.advance(200);
      expect(ran.slice(ranBefore)).toEqual(['b default/one', 'b default/two']);
      expect(lists).toHaveLength(listedBefore);
      b.abort.abort();
      await clock.advance(0);
      await b.run;
    });

    it('I-150, F-80: what a reconcile writes counts only while its process leads', async () => {
      let go = (): void => {};
      const held = new Promise<void>((resolve) => (go = resolve));
      const outcomes: unknown[] = [];
      const writing = defineController(Website, {
        owns: [Server],
        async reconcile({ owned, signal }) {
          const servers = owned(Server);
          await servers.apply({ name: 'first', spec: {} });
          await held;
          await servers.apply({ name: 'second', spec: {} }).catch((error: unknown) => outcomes.push(error));
          outcomes.push(signal.aborted);
        },
      });
      const a = elected('a', [writing]);
      await clock.advance(50);
      await create(a.manager, 'one');
      await clock.advance(0);
      // The key goes, nobody has noticed yet, and the next write is on its way.
      await store.delete({ key: keyText((await store.range({ prefix: ELECTION })).kvs[0]!.key) });
      go();
      await clock.advance(100);
      expect(outcomes).toMatchObject([{ code: 'LockLost' }, true]);
      const servers = await a.manager.client.resource(Server).list();
      expect(servers.items.map(({ metadata }) => metadata.name)).toEqual(['first']);
      expect(await a.run).toMatchObject({ code: 'LockLost' });
    });

    it('what makes standing for election impossible is what the manager ends with', async () => {
      const denied = new SetpointError('PermissionDenied', 'no leases for this user');
      Object.assign(store, { leaseGrant: () => Promise.reject(denied) });
      const a = elected('a');
      await clock.advance(0);
      expect(await a.run).toBe(denied);
    });

    it('I-161: a leadership that is lost before the caches have caught up ends the manager with LockLost, and starts nothing', async () => {
      const a = elected('a');
      await clock.advance(0);
      const blind = interposedStore(store, {
        watch: (request, open) =>
          keyText(keyRange(request).start) === '/registry/websites/' ? pending() : open(request),
      });
      const later = () => new Promise<void>((resolve) => clock.setTimer(() => resolve(), 50));
      const slow = Object.create(blind, { leaseRevoke: { value: later } }) as Store;
      const b = start([noting('b')], { store: slow, leaderElection: { name: 'test', identity: 'b' } });
      await clock.advance(100);
      await create(a.manager, 'one');
      a.abort.abort();
      await clock.advance(1000);
      expect(b.manager.state).toBe('standby');
      const [leader] = (await store.range({ prefix: ELECTION })).kvs;
      await store.leaseRevoke(leader!.lease);
      await clock.advance(500);
      expect(await b.run).toMatchObject({ code: 'LockLost' });
      expect(ran).toEqual(['a default/one']);
    });

    it('I-161: a lost leadership ends the manager with LockLost, and the next replica leads', async () => {
      const a = elected('a');
      await clock.advance(0);
      const b = elected('b');
      await clock.advance(0);
      const leader = (await store.range({ prefix: ELECTION, sort: { by: 'create', order: 'ascend' } })).kvs[0]!;
      await store.leaseRevoke(leader.lease);
      await clock.advance(5000);
      expect(await a.run).toMatchObject({ code: 'LockLost' });
      expect(b.manager.state).toBe('ready');
      b.abort.abort();
      await clock.advance(0);
      await b.run;
    });

    it('I-159, F-86: on a stop the lease goes only after the work in flight has ended, or its grace', async () => {
      let finish = (): void => {};
      const slow = defineController(Website, {
        reconcile: () => new Promise<void>((resolve) => (finish = resolve)),
      });
      const a = elected('a', [slow]);
      await clock.advance(0);
      await create(a.manager, 'one');
      await clock.advance(0);
      a.abort.abort();
      await clock.advance(5000);
      expect((await store.range({ prefix: ELECTION })).count).toBe(1n);
      finish();
      await clock.advance(0);
      expect((await store.range({ prefix: ELECTION })).count).toBe(0n);
      expect(await a.run).toBeUndefined();
    });

    it("the manager's own client reads, and refuses writes; what writes unguarded says so by its name", async () => {
      const a = elected('a');
      await clock.advance(0);
      const { client, unsafeClient } = a.manager;
      await expect(client.resource(Website).create({ name: 'x', spec: {} })).rejects.toMatchObject({ code: 'Invalid' });
      await unsafeClient.resource(Website).create({ name: 'x', spec: {} });
      expect((await client.resource(Website).get('default/x')).metadata.name).toBe('x');
      a.abort.abort();
      await clock.advance(0);
    });

    it('a reconcile is given a token that grows from leader to leader', async () => {
      const tokens: bigint[] = [];
      const controllers = [
        defineController(Website, { reconcile: ({ fencingToken }) => void tokens.push(fencingToken!.valueOf()) }),
      ];
      const a = elected('a', controllers);
      await clock.advance(0);
      const b = elected('b', controllers);
      await clock.advance(0);
      await create(a.manager, 'one');
      await clock.advance(0);
      a.abort.abort();
      await clock.advance(1500);
      b.abort.abort();
      await clock.advance(0);
      expect(tokens).toHaveLength(2);
      expect(tokens[1]! > tokens[0]!).toBe(true);
    });

    it('the garbage collector works on the leader, by its right', async () => {
      const owning = defineController(Website, {
        owns: [Server],
        reconcile: async ({ owned, object }) =>
          void (await owned(Server).apply({ name: object.metadata.name, spec: {} })),
      });
      const [a, b] = [elected('a', [owning]), elected('b', [owning])];
      await clock.advance(0);
      await create(a.manager, 'one');
      await clock.advance(0);
      await a.manager.unsafeClient.resource(Website).delete('default/one');
      await clock.advance(0);
      expect((await a.manager.client.resource(Server).list()).items).toEqual([]);
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(0);
    });

    it('I-152: the manager tells who leads it, also below a prefix of its own; one without an election is Invalid', async () => {
      const seen: (string | undefined)[] = [];
      const abort = new AbortController();
      const a = elected('a');
      const follow = async (manager: ControlPlane): Promise<void> => {
        for await (const leader of manager.observeLeader(abort.signal)) seen.push(leader?.identity);
      };
      const election = { name: 'test', identity: 'c', prefix: '/elsewhere' };
      const c = start([noting('c')], { leaderElection: election });
      await clock.advance(0);
      const following = [follow(a.manager), follow(c.manager)];
      await clock.advance(0);
      expect(seen.sort()).toEqual(['a', 'c']);
      const b = elected('b');
      await clock.advance(0);
      a.abort.abort();
      await clock.advance(0);
      expect(seen.slice(2)).toEqual(['b']);
      for (const { abort: stop } of [b, c]) stop.abort();
      await clock.advance(0);
      expect(seen.slice(3)).toEqual([undefined, undefined]);
      abort.abort();
      await Promise.all(following);
      expect(() => createManager({ store }).observeLeader()).toThrow('nobody leads');
    });

    it('I-138: clocks that are an hour apart change nothing: the lease decides', async () => {
      const a = elected('a');
      await clock.advance(0);
      clock.jumpWall(3_600_000);
      const b = elected('b');
      await clock.advance(60_000);
      clock.jumpWall(-7_200_000);
      await clock.advance(60_000);
      expect([a.manager.state, b.manager.state]).toEqual(['ready', 'standby']);
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(0);
    });
  });

  describe('with sharding', () => {
    const names = Array.from({ length: 40 }, (_, index) => `w${index}`);

    it('every key is worked on by one of them, and both have some', async () => {
      const [a, b] = [sharded('a'), sharded('b')];
      await clock.advance(1000);
      ran = [];
      await create(a.manager, ...names);
      await clock.advance(1000);
      expect(ran).toHaveLength(40);
      const by = (who: string) => ran.filter((line) => line.startsWith(`${who} `)).length;
      expect(by('a') + by('b')).toBe(40);
      expect(Math.min(by('a'), by('b'))).toBeGreaterThan(8);
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(0);
    });

    it('a replica joins the others only when its caches are complete: until then its slots stay where the work is done', async () => {
      const a = sharded('a');
      await clock.advance(0);
      let list = (): void => {};
      const listed = new Promise<void>((resolve) => (list = resolve));
      const slow = interposedStore(store, {
        range: async (request, ask) => {
          if (keyText(keyRange(request).start).startsWith('/registry/websites/')) await listed;
          return ask(request);
        },
      });
      const b = start([noting('b')], {
        store: slow,
        sharding: { name: 'test', slots: 8, identity: 'b', leaseDurationMs: 6000 },
      });
      await clock.advance(3000);
      const members = async () => (await store.range({ prefix: '/registry/_coordination/shards/test/members/' })).count;
      expect(await members()).toBe(1n);
      list();
      await clock.advance(1000);
      expect(await members()).toBe(2n);
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(0);
    });

    it('a replica joins the others only when all that its controllers wait for is ready: until then they do the work', async () => {
      const a = sharded('a');
      await clock.advance(0);
      let open = (): void => {};
      const opened = new Promise<void>((resolve) => (open = resolve));
      const b = start([noting('b')], {
        runnables: [{ name: 'slow', run: async () => {}, ready: () => opened }],
        sharding: { name: 'test', slots: 8, identity: 'b', leaseDurationMs: 6000 },
      });
      await clock.advance(1000);
      await create(a.manager, ...names);
      await clock.advance(1000);
      expect(ran).toHaveLength(40);
      open();
      await clock.advance(1000);
      expect(new Set(ran.map((line) => line.split(' ')[0]))).toEqual(new Set(['a', 'b']));
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(0);
      expect([await a.run, await b.run]).toEqual([undefined, undefined]);
    });

    it('keys whose owner has gone are looked at again by the next one, after its caches have caught up', async () => {
      const [a, b] = [sharded('a'), sharded('b')];
      await clock.advance(1000);
      await create(a.manager, ...names);
      await clock.advance(1000);
      const ofA = ran.filter((line) => line.startsWith('a ')).map((line) => line.slice(2));
      ran = [];
      a.abort.abort();
      await clock.advance(1000);
      expect(await a.run).toBeUndefined();
      expect(ran.toSorted()).toEqual(ofA.map((key) => `b ${key}`).toSorted());
      b.abort.abort();
      await clock.advance(0);
    });

    it('a key is not worked on by two at once while it is handed over', async () => {
      const working = new Map<string, string>();
      let overlaps = 0;
      const slow = (who: string): ControllerDefinition =>
        defineController(Website, {
          concurrency: 64,
          async reconcile({ key, signal }) {
            if (working.has(key)) overlaps++;
            working.set(key, who);
            await new Promise<void>((resolve) => {
              clock.setTimer(resolve, 300);
              signal.addEventListener('abort', () => resolve(), { once: true });
            });
            working.delete(key);
            ran.push(`${who} ${key}`);
            return { requeueAfterMs: 100 };
          },
        });
      const a = sharded('a', [slow('a')]);
      await clock.advance(0);
      await create(a.manager, ...names);
      await clock.advance(500);
      const b = sharded('b', [slow('b')]);
      await clock.advance(2000);
      const c = sharded('c', [slow('c')]);
      await clock.advance(2000);
      b.abort.abort();
      await clock.advance(2000);
      expect(overlaps).toBe(0);
      expect(new Set(ran.map((line) => line[0]))).toEqual(new Set(['a', 'b', 'c']));
      expect(new Set(ran.map((line) => line.split(' ')[1])).size).toBe(40);
      for (const { abort } of [a, c]) abort.abort();
      await clock.advance(1000);
    });

    it('F-83, I-150: a write of one who has lost the slot is refused, and the key goes on elsewhere', async () => {
      let go = (): void => {};
      const held = new Promise<void>((resolve) => (go = resolve));
      const codes: unknown[] = [];
      const stuck = defineController(Website, {
        async reconcile({ status }) {
          await held;
          await status({ ready: 1 }).catch((error: { code: string }) => codes.push(error.code));
        },
      });
      const a = sharded('a', [stuck]);
      await clock.advance(0);
      await create(a.manager, 'one');
      await clock.advance(0);
      const b = sharded('b');
      await clock.advance(0);
      const member = (await store.range({ prefix: '/registry/_coordination/shards/test/members/' })).kvs.find(
        ({ value }) => new TextDecoder().decode(value).includes('"a"'),
      )!;
      await store.leaseRevoke(member.lease);
      go();
      await clock.advance(10);
      expect(codes).toEqual(['LockLost']);
      expect(ran).toContain('b default/one');
      for (const { abort } of [a, b]) abort.abort();
      await clock.advance(1000);
    });

    it('one of them collects garbage, and another one when that is gone', async () => {
      const owning = defineController(Website, {
        owns: [Server],
        reconcile: async ({ owned, object }) =>
          void (await owned(Server).apply({ name: object.metadata.name, spec: {} })),
      });
      const [a, b] = [sharded('a', [owning]), sharded('b', [owning])];
      await clock.advance(1000);
      await create(a.manager, 'one', 'two');
      await clock.advance(1000);
      await b.manager.unsafeClient.resource(Website).delete('default/one');
      await clock.advance(1000);
      a.abort.abort();
      await clock.advance(2000);
      await b.manager.unsafeClient.resource(Website).delete('default/two');
      await clock.advance(2000);
      expect((await b.manager.client.resource(Server).list()).items).toEqual([]);
      b.abort.abort();
      await clock.advance(0);
    });
  });

  it('refuses to be elected and sharded at once, and options that can not be', () => {
    const both = { leaderElection: { name: 'x' }, sharding: { name: 'x' } };
    expect(() => createManager({ store, ...both })).toThrow('exclude each other');
    expect(() => createManager({ store, leaderElection: { name: 'a/b' } })).toThrow('Invalid');
    expect(() => createManager({ store, sharding: { name: 'x', slots: -1 } })).toThrow('Invalid');
  });
});
