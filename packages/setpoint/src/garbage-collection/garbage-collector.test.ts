import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createClient } from '../client/index.ts';
import { SetpointError } from '../errors/index.ts';
import { createInformer } from '../informer/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { type Random, seededRandom } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  defineResource,
  keyPrefix,
  ownerReferenceTo,
  resourceCodec,
  type ResourceObject,
  storeKey,
} from '../resource/index.ts';
import {
  type CallOptions,
  type Compare,
  memoryStore,
  type RangeRequest,
  type Store,
  type TxnRequest,
} from '../store/index.ts';
import { createGarbageCollector } from './garbage-collector.ts';

const spec = z.object({ note: z.string().default('') });
const kind = (name: string, scope: 'Namespaced' | 'Cluster' = 'Namespaced') =>
  defineResource({ group: 'demo.dev', version: 'v1', kind: name, plural: `${name.toLowerCase()}s`, scope, spec });
const Website = kind('Website');
const Server = kind('Server');
const Disk = kind('Disk');
const Region = kind('Region', 'Cluster');
const Stranger = kind('Stranger');
const kinds = [Website, Server, Disk, Region];

describe('the garbage collector', () => {
  let clock: FakeClock;
  let random: Random;
  let memory: Store;
  let stop: AbortController;
  let running: Promise<unknown>[];

  beforeEach(() => {
    clock = new FakeClock();
    random = seededRandom(1);
    memory = memoryStore({ clock });
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await clock.advance(10_000);
    await Promise.all(running);
    await memory.close();
  });

  const client = (store = memory) => createClient({ store, clock, random });
  const informers = (store = memory) => {
    const made = kinds.map((definition: AnyResourceDefinition) => ({
      definition,
      informer: createInformer<ResourceObject>({
        store,
        prefix: keyPrefix(definition),
        codec: resourceCodec(definition),
        clock,
        random,
      }),
    }));
    return new Map(made.map((each) => [each.definition, each] as const));
  };
  const start = (store = memory, caches = informers(), which: readonly AnyResourceDefinition[] = kinds) => {
    const collector = createGarbageCollector({ client: client(store), kinds: [...caches.values()], clock, random });
    for (const definition of which) running.push(caches.get(definition)!.informer.run(stop.signal));
    running.push(collector.run(stop.signal));
    return caches;
  };
  const make = (
    definition: AnyResourceDefinition,
    name: string,
    ...owners: ResourceObject[]
  ): Promise<ResourceObject> =>
    client()
      .resource(definition)
      .create({
        name,
        ownerReferences: owners.map((owner, index) => ownerReferenceTo(owner, { controller: index === 0 })),
        spec: {},
      });
  const exists = async (definition: AnyResourceDefinition, name: string): Promise<boolean> =>
    (await client().resource(definition).find({ name })) !== undefined;

  it('deletes what an object owned, and what that owned, once it is gone', async () => {
    const web = await make(Website, 'web');
    const server = await make(Server, 'web-0', web);
    await make(Disk, 'web-0-a', server);
    await make(Server, 'other');
    start();
    await clock.advance(1_000);
    expect(await exists(Disk, 'web-0-a')).toBe(true);

    await client().resource(Website).delete(web);
    await clock.advance(1_000);
    expect(await exists(Server, 'web-0')).toBe(false);
    expect(await exists(Disk, 'web-0-a')).toBe(false);
    expect(await exists(Server, 'other')).toBe(true);
  });

  it('keeps an orphaning owner as long as a dependent is written too often to be released', async () => {
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    let contended = true;
    const busy = new Proxy(memory, {
      get(target, name) {
        if (name !== 'txn') return (Reflect.get(target, name) as () => unknown).bind(target);
        return (request: TxnRequest, options: CallOptions) => {
          const never: Compare = { key: '/never', target: 'version', operator: '>', operand: 0n };
          const lost = contended && JSON.stringify(request.else ?? []).includes('web-0');
          return target.txn(lost ? { ...request, compares: [never] } : request, options);
        };
      },
    });
    start(busy);
    await client().resource(Website).delete(web, { propagation: 'Orphan' });
    await clock.advance(60_000);
    expect(await exists(Website, 'web')).toBe(true);
    contended = false;
    await clock.advance(60_000);
    expect([await exists(Website, 'web'), await exists(Server, 'web-0')]).toEqual([false, true]);
  });

  it('finds at its start what was left while nobody was running', async () => {
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    await client().resource(Website).delete(web);
    start();
    await clock.advance(1_000);
    expect(await exists(Server, 'web-0')).toBe(false);
  });

  it('means an owner by its uid: another one of its name does not keep anything', async () => {
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    start();
    await clock.advance(1_000);
    await client().resource(Website).delete(web);
    const again = await make(Website, 'web');
    await make(Server, 'web-1', again);
    await clock.advance(1_000);
    expect(await exists(Server, 'web-0')).toBe(false);
    expect(await exists(Server, 'web-1')).toBe(true);
  });

  it('keeps an object as long as one of its owners is there', async () => {
    const first = await make(Website, 'first');
    const second = await make(Website, 'second');
    await make(Server, 'shared', first, second);
    start();
    await client().resource(Website).delete(first);
    await clock.advance(5_000);
    expect(await exists(Server, 'shared')).toBe(true);
    await client().resource(Website).delete(second);
    await clock.advance(1_000);
    expect(await exists(Server, 'shared')).toBe(false);
  });

  it('keeps what is owned by a kind that it does not know, or by something that can not be found out', async () => {
    const stranger = await make(Stranger, 'stranger');
    await make(Server, 'owned', stranger);
    const web = await make(Website, 'web');
    await client()
      .resource(Region)
      .create({ name: 'region', ownerReferences: [ownerReferenceTo(web)], spec: {} })
      .catch(() => {}); // a cluster-scoped object of an owner in a namespace: nobody can say in which
    await client().resource(Stranger).delete(stranger);
    await client().resource(Website).delete(web);
    start();
    await clock.advance(60_000);
    expect(await exists(Server, 'owned')).toBe(true);
    expect(await exists(Region, 'region')).toBe(true);
  });

  it('collects what a cluster-scoped owner leaves in any namespace', async () => {
    const region = await make(Region, 'eu');
    await make(Server, 'eu-0', region);
    start();
    await clock.advance(1_000);
    expect(await exists(Server, 'eu-0')).toBe(true);
    await client().resource(Region).delete(region);
    await clock.advance(1_000);
    expect(await exists(Server, 'eu-0')).toBe(false);
  });

  it('waits for finalizers: it only asks for the deletion, and an owner that is going still counts', async () => {
    const web = await client()
      .resource(Website)
      .create({ name: 'web', finalizers: ['demo.dev/hold'], spec: {} });
    const owner = ownerReferenceTo(web);
    await client()
      .resource(Server)
      .create({ name: 'web-0', finalizers: ['demo.dev/hold'], ownerReferences: [owner], spec: {} });
    start();
    await client().resource(Website).delete(web);
    await clock.advance(1_000);
    expect((await client().resource(Server).get('default/web-0')).metadata.deletionTimestamp).toBeUndefined();

    await client().resource(Website).removeFinalizer('default/web', 'demo.dev/hold');
    await clock.advance(1_000);
    expect((await client().resource(Server).get('default/web-0')).metadata.deletionTimestamp).toBeDefined();
    await client().resource(Server).removeFinalizer('default/web-0', 'demo.dev/hold');
    expect(await exists(Server, 'web-0')).toBe(false);
  });

  it('deletes nothing before all caches are complete', async () => {
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    await client().resource(Website).delete(web);
    const caches = start(memory, informers(), [Website, Server, Disk]);
    await clock.advance(60_000);
    expect(await exists(Server, 'web-0')).toBe(true);
    running.push(caches.get(Region)!.informer.run(stop.signal));
    await clock.advance(1_000);
    expect(await exists(Server, 'web-0')).toBe(false);
  });

  it('asks the store before it believes a cache, and goes on asking while the cache lags', async () => {
    // The collector's cache of websites is of a store that knows none; only the real one has the owner.
    const empty = memoryStore({ clock });
    const caches = informers();
    const blind = informers(empty).get(Website)!;
    caches.set(Website, blind);
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    start(memory, caches);
    await clock.advance(120_000);
    expect(await exists(Server, 'web-0')).toBe(true);

    await client().resource(Website).delete(web); // no event tells of it
    await clock.advance(60_000);
    expect(await exists(Server, 'web-0')).toBe(false);
  });

  it('does not delete an object that got another owner after its owners were looked up', async () => {
    const web = await make(Website, 'web');
    const heir = await make(Website, 'heir');
    const server = await make(Server, 'web-0', web);
    await client().resource(Website).delete(web);
    let adopted = false;
    const websiteKey = storeKey(Website, { namespace: 'default', name: 'web' });
    const adopting: Store = withRange(memory, async (request, range) => {
      const answer = await range(request);
      if (!adopted && 'key' in request && String(request.key) === websiteKey) {
        adopted = true;
        await client()
          .resource(Server)
          .update(server as never, { ownerReferences: [ownerReferenceTo(heir)] });
      }
      return answer;
    });
    start(adopting);
    await clock.advance(60_000);
    expect(adopted).toBe(true);
    expect(await exists(Server, 'web-0')).toBe(true);
  });

  it('tries again after a failure, and deletes nothing for want of an answer', async () => {
    const web = await make(Website, 'web');
    await make(Server, 'web-0', web);
    await client().resource(Website).delete(web);
    let away = true;
    let asked = 0;
    start(
      withRange(memory, (request, range) => {
        asked += 1;
        if (away) throw new SetpointError('Unavailable', 'the store is away');
        return range(request);
      }),
    );
    await clock.advance(300_000);
    expect(await exists(Server, 'web-0')).toBe(true);
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(60);
    away = false;
    await clock.advance(60_000);
    expect(await exists(Server, 'web-0')).toBe(false);
  });

  it('refuses a kind that is given twice', () => {
    const [website] = [...informers().values()];
    expect(() => createGarbageCollector({ client: client(), kinds: [website!, website!] })).toThrow(
      /websites\.demo\.dev twice/,
    );
  });
});

/** A store whose reads go through `around`. */
function withRange(
  store: Store,
  around: (request: RangeRequest, range: Store['range']) => ReturnType<Store['range']>,
): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'range') return async (request: RangeRequest) => around(request, (each) => target.range(each));
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
