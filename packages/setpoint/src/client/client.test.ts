import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isSetpointError } from '../errors/index.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { defineResource, ownerReferenceTo, resourceCodec, storeKey } from '../resource/index.ts';
import { fenceStore, memoryStore, type Store } from '../store/index.ts';
import { createClient, type WriteListener } from './index.ts';

const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().min(0).default(1), message: z.string() }),
  status: z.object({ ready: z.int() }),
});
const Node = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
  spec: z.object({ address: z.string() }),
});
const codec = resourceCodec(Website);
const KEY = '/registry/websites/default/web';
const spec = { message: 'hello' };

function setUp(options: { store?: Store; onWrite?: WriteListener } = {}) {
  const clock = new FakeClock();
  const store = options.store ?? memoryStore({ clock });
  const calls: string[] = [];
  const counted = countCalls(store, calls);
  const client = createClient({ store: counted, clock, random: seededRandom(7), onWrite: options.onWrite });
  return { client, clock, store, calls, websites: client.resource(Website), nodes: client.resource(Node) };
}

function countCalls(store: Store, calls: string[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return member.apply(target, args);
      };
    },
  });
}

async function raw(store: Store, key = KEY): Promise<string | undefined> {
  const { kvs } = await store.range({ key });
  return kvs[0] && Buffer.from(kvs[0].value).toString();
}

async function revisionOf(store: Store): Promise<bigint> {
  return (await store.range({ key: 'none' })).revision;
}

/** Moves virtual time until the work is done. */
async function drive<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let over = false;
  const done = work.finally(() => (over = true));
  done.catch(() => {});
  while (!over) await clock.advance(clock.nextTimerIn ?? 0);
  return await done;
}

describe('create', () => {
  it('lists and deletes no cluster-scoped kind by a namespace, which would be all of it', async () => {
    const { nodes } = setUp();
    await nodes.create({ name: 'one', spec: { address: 'a' } });
    const refused = { code: 'Invalid', details: { path: 'namespace' } };
    await expect(nodes.list({ namespace: 'default' })).rejects.toMatchObject(refused);
    await expect(nodes.deleteCollection({ namespace: 'default' })).rejects.toMatchObject(refused);
    expect((await nodes.list()).items).toHaveLength(1);
  });

  it('I-114: returns the object with its defaults at the revision of the transaction', async () => {
    const { websites, store } = setUp();
    const web = await websites.create({ name: 'web', labels: { app: 'a' }, spec });
    expect(web).toMatchObject({
      apiVersion: 'demo.dev/v1',
      kind: 'Website',
      metadata: { name: 'web', namespace: 'default', generation: 1, labels: { app: 'a' } },
      spec: { message: 'hello', replicas: 1 },
    });
    expect(web.metadata.creationTimestamp).toBe('2026-01-01T00:00:00.000Z');
    expect(BigInt(web.metadata.resourceVersion)).toBe(await revisionOf(store));
    expect(await websites.get('web')).toEqual(web);
  });

  it('I-114: refuses a second object of the name, and says what to do', async () => {
    const { websites } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const error: unknown = await websites.create({ name: 'web', spec: { message: 'other' } }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'AlreadyExists', details: { key: KEY } });
    expect(String(error)).toMatch(/Website "default\/web".*apply/);
    expect(await websites.get('web')).toEqual(web);
  });

  it('I-114: refuses a resourceVersion, uid or generation chosen by the caller', async () => {
    const { websites, calls } = setUp();
    for (const field of ['resourceVersion', 'uid', 'generation']) {
      const input = { name: 'web', spec, [field]: '1' };
      await expect(websites.create(input)).rejects.toMatchObject({ code: 'Invalid', details: { path: field } });
    }
    expect(calls).toEqual([]);
  });

  it('I-115: stores no resourceVersion, and overrules one that is stored by hand', async () => {
    const { websites, store } = setUp();
    await websites.create({ name: 'web', spec });
    const text = (await raw(store))!;
    expect(text).not.toContain('resourceVersion');
    await store.put({ key: KEY, value: text.replace('"generation"', '"resourceVersion":"99","generation"') });
    expect((await websites.get('web')).metadata.resourceVersion).toBe(String(await revisionOf(store)));
  });

  it('F-113: refuses names that could leave their prefix, before anything is sent', async () => {
    const { websites, calls } = setUp();
    for (const name of ['', '.', '..', 'a/b', 'A', 'a\0', '%2f', ' a', 'ä', 'a'.repeat(254)]) {
      await expect(websites.create({ name, spec })).rejects.toMatchObject({ code: 'Invalid' });
      await expect(websites.find({ name, namespace: 'x' })).rejects.toMatchObject({ code: 'Invalid' });
    }
    await expect(websites.create({ name: 'web', namespace: 'a.b', spec })).rejects.toMatchObject({ code: 'Invalid' });
    expect(calls).toEqual([]);
  });

  it('names the nearest field when one is misspelt, in the input and in the spec', async () => {
    const { websites } = setUp();
    const wrongInput = { name: 'web', lables: {}, spec };
    await expect(websites.create(wrongInput)).rejects.toThrow(/lables.*"labels"/);
    const wrongSpec = { name: 'web', spec: { message: 'x', replcas: 2 } };
    await expect(websites.create(wrongSpec)).rejects.toThrow(/spec\.replcas.*"replicas"/);
  });

  it('I-133: refuses a value over the limit of the store', async () => {
    const { websites } = setUp();
    const big = { name: 'web', spec: { message: 'x'.repeat(2 * 1024 * 1024) } };
    await expect(websites.create(big)).rejects.toMatchObject({ code: 'TooLarge' });
  });

  it('keeps cluster-scoped objects without a namespace', async () => {
    const { nodes, store } = setUp();
    const node = await nodes.create({ name: 'n1', spec: { address: 'here' } });
    expect(node.metadata.namespace).toBeUndefined();
    expect(await raw(store, '/registry/nodes/n1')).toContain('here');
    await expect(nodes.get('default/n1')).rejects.toMatchObject({ code: 'Invalid' });
  });
});

describe('update', () => {
  it('I-116: refuses a stale version and leaves the object as it is', async () => {
    const { websites } = setUp();
    const stale = await websites.create({ name: 'web', spec });
    const fresh = await websites.update(stale, { spec: { message: 'two' } });
    const error: unknown = await websites.update(stale, { spec: { message: 'three' } }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'Conflict', details: { revision: BigInt(fresh.metadata.resourceVersion) } });
    expect(String(error)).toMatch(/Website "default\/web".*Read it again/);
    expect(await websites.get('web')).toEqual(fresh);
  });

  it('takes an edited copy as well as changes', async () => {
    const { websites } = setUp();
    const web = await websites.create({ name: 'web', labels: { a: 'b' }, spec });
    const edited = { ...web, metadata: { ...web.metadata, labels: {} }, spec: { ...web.spec, replicas: 4 } };
    const updated = await websites.update(edited);
    expect(updated.spec.replicas).toBe(4);
    expect(updated.metadata).toMatchObject({ generation: 2, uid: web.metadata.uid, labels: {} });
    await expect(websites.update({ ...updated, spec: { ...spec, replicas: 7 } }, { labels: {} })).rejects.toMatchObject(
      { code: 'Invalid' },
    );
  });

  it('I-128: counts changes of the spec alone as generations', async () => {
    const { websites } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const labelled = await websites.update(web, { labels: { a: 'b' } });
    expect(labelled.metadata.generation).toBe(1);
    const ready = await websites.updateStatus(labelled, { ready: 1 });
    expect(ready.metadata.generation).toBe(1);
    const scaled = await websites.update(ready, { spec: { message: 'hello', replicas: 2 } });
    expect(scaled.metadata.generation).toBe(2);
    const same = await websites.update({ ...scaled, metadata: { ...scaled.metadata, generation: 77 } }, { labels: {} });
    expect(same.metadata.generation).toBe(2);
  });

  it('I-128: keeps spec and status out of each other, whatever the copy says', async () => {
    const { websites, store } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const ready = await websites.updateStatus(web, { ready: 1 });
    const tampered = { ...ready, spec: { message: 'forged', replicas: 9 } };
    const next = await websites.updateStatus(tampered, { ready: 2 });
    expect(next).toMatchObject({ spec: { message: 'hello', replicas: 1 }, status: { ready: 2 } });
    await expect(websites.update({ ...next, status: { ready: 3 } })).rejects.toMatchObject({
      code: 'Invalid',
      details: { path: 'status' },
    });
    expect(JSON.parse((await raw(store))!)).toMatchObject({ spec: { message: 'hello' }, status: { ready: 2 } });
  });

  it('I-119: writes nothing when nothing changes, after confirming that the copy is current', async () => {
    const { websites, store, calls } = setUp();
    const web = await websites.create({ name: 'web', labels: { a: 'b' }, spec });
    const before = await revisionOf(store);
    expect(await websites.update(web, { spec, labels: { a: 'b' } })).toEqual(web);
    expect(await websites.update(web)).toEqual(web);
    expect(await websites.apply({ name: 'web', spec: { message: 'hello', replicas: 1 } })).toEqual(web);
    expect(await websites.modify('web', (current) => current)).toEqual(web);
    expect(await revisionOf(store)).toBe(before);
    expect(calls).not.toContain('put');
    await store.put({ key: KEY, value: (await raw(store))! });
    await expect(websites.update(web, { spec })).rejects.toMatchObject({ code: 'Conflict' });
  });

  it('sends one transaction and no read for a copy that is as it was read', async () => {
    const { websites, calls } = setUp();
    await websites.create({ name: 'web', spec });
    const web = await websites.get('web');
    calls.length = 0;
    const next = await websites.updateStatus(web, { ready: 1 });
    await websites.update(next, { spec: { message: 'two' } });
    expect(calls).toEqual(['txn', 'txn']);
  });

  it('F-116: keeps stored fields that the schema does not know, and takes no new ones', async () => {
    const { websites, store } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const newer = (await raw(store))!.replace('"message"', '"color":{"deep":[1]},"message"');
    await store.put({ key: KEY, value: newer.replace('"spec"', '"extra":1,"spec"') });
    const read = await websites.get('web');
    const scaled = await websites.update(read, { spec: { ...read.spec, replicas: 2 } });
    await websites.updateStatus(scaled, { ready: 1 });
    await websites.apply({ name: 'web', spec: { message: 'applied' } });
    expect(JSON.parse((await raw(store))!)).toMatchObject({
      extra: 1,
      spec: { color: { deep: [1] }, message: 'applied', replicas: 1 },
    });
    const forged = { ...read.spec, color: { deep: [2] } };
    await expect(websites.modify(web, () => ({ spec: forged }))).rejects.toMatchObject({
      code: 'Invalid',
      details: { path: 'spec.color' },
    });
  });

  it('refuses an object that was never read', async () => {
    const { websites } = setUp();
    const web = await websites.create({ name: 'web', spec });
    for (const resourceVersion of ['', '0', '-1', 'x']) {
      const unread = { ...web, metadata: { ...web.metadata, resourceVersion } };
      await expect(websites.update(unread, { labels: {} })).rejects.toMatchObject({ code: 'Invalid' });
    }
  });

  it('I-134: compares revisions past 2^53 exactly', async () => {
    const { store } = setUp();
    const high = 2n ** 53n + 1n;
    const shift = (revision: bigint): bigint => (revision > 0n ? revision + high : revision);
    const seen: bigint[] = [];
    const far: Store = Object.assign(Object.create(store) as Store, {
      txn: async (...[request, options]: Parameters<Store['txn']>) => {
        seen.push(...(request.compares ?? []).flatMap((c) => (c.target === 'mod' ? [c.operand] : [])));
        const compares = request.compares?.map((c) =>
          c.target === 'mod' && c.operand ? { ...c, operand: c.operand - high } : c,
        );
        const answer = await store.txn({ ...request, ...(compares && { compares }) }, options);
        return { ...answer, revision: shift(answer.revision) };
      },
    });
    const websites = createClient({ store: far, clock: new FakeClock() }).resource(Website);
    const web = await websites.create({ name: 'web', spec });
    await websites.update(web, { labels: { a: 'b' } });
    expect(BigInt(web.metadata.resourceVersion)).toBeGreaterThan(2n ** 53n);
    expect(seen).toEqual([0n, BigInt(web.metadata.resourceVersion)]);
  });
});

describe('modify', () => {
  it('I-116: a hundred concurrent increments end at exactly a hundred', async () => {
    const { websites, clock } = setUp();
    await websites.create({ name: 'web', spec: { message: 'x', replicas: 0 } });
    const increment = () =>
      websites.modify('web', ({ spec: now }) => ({ spec: { ...now, replicas: now.replicas + 1 } }));
    await drive(clock, Promise.all(Array.from({ length: 100 }, increment)));
    const web = await websites.get('web');
    expect(web.spec.replicas).toBe(100);
    expect(web.metadata.generation).toBe(101);
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-118: starts from a cached copy and goes on from what is stored when that has moved on', async () => {
    const { websites, calls } = setUp();
    const cached = await websites.create({ name: 'web', spec });
    await websites.updateStatus(cached, { ready: 3 });
    calls.length = 0;
    const seen: (number | undefined)[] = [];
    const next = await websites.modify(cached, ({ status }) => {
      seen.push(status?.ready);
      return { labels: { a: 'b' } };
    });
    expect(seen).toEqual([undefined, 3]);
    expect(next).toMatchObject({ status: { ready: 3 }, metadata: { labels: { a: 'b' } } });
    expect(calls).toEqual(['txn', 'txn']);
  });

  it('F-65: gives up with Conflict after the attempts it was given', async () => {
    const { websites, clock, store } = setUp();
    const web = await websites.create({ name: 'web', spec });
    let runs = 0;
    const busy = websites.modify(
      'web',
      ({ spec: now }) => {
        runs++;
        void store.put({ key: KEY, value: codec.encode(web) });
        return { spec: { ...now, replicas: runs + 1 } };
      },
      { attempts: 4 },
    );
    await expect(drive(clock, busy)).rejects.toMatchObject({ code: 'Conflict' });
    expect(runs).toBe(4);
  });

  it('gives up between attempts when the signal aborts, with its reason', async () => {
    const { websites, clock, store } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const stop = new AbortController();
    const busy = websites.modify(
      'web',
      () => {
        void store.put({ key: KEY, value: codec.encode(web) });
        return { labels: { a: 'b' } };
      },
      { signal: stop.signal },
    );
    busy.catch(() => {});
    await clock.advance(1);
    stop.abort(new Error('enough'));
    await expect(busy).rejects.toMatchObject({ code: 'Aborted', cause: { message: 'enough' } });
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses another incarnation than the one it was given', async () => {
    const { websites } = setUp();
    const first = await websites.create({ name: 'web', spec });
    await websites.delete('web');
    await expect(websites.modify(first, () => ({ labels: { a: 'b' } }))).rejects.toMatchObject({ code: 'NotFound' });
    await websites.create({ name: 'web', spec });
    await expect(websites.modify(first, () => ({ labels: { a: 'b' } }))).rejects.toMatchObject({ code: 'Conflict' });
    expect((await websites.modify('web', () => ({ labels: { a: 'b' } }))).metadata.labels).toEqual({ a: 'b' });
  });

  it('modifyStatus writes the status of whatever version is current', async () => {
    const { websites } = setUp();
    const cached = await websites.create({ name: 'web', spec });
    await websites.update(cached, { spec: { message: 'two' } });
    const next = await websites.modifyStatus(cached, ({ status }) => ({ ready: (status?.ready ?? 0) + 1 }));
    expect(next).toMatchObject({ spec: { message: 'two' }, status: { ready: 1 } });
  });
});

describe('apply', () => {
  it('creates, then brings labels, owner and spec to what is given and leaves the rest alone', async () => {
    const { websites, nodes } = setUp();
    const owner = await nodes.create({ name: 'n1', spec: { address: 'a' } });
    const created = await websites.apply({ name: 'web', labels: { app: 'x' }, spec, owner });
    expect(created.metadata).toMatchObject({ generation: 1, ownerReferences: [ownerReferenceTo(owner)] });
    await websites.modify('web', () => ({ labels: { app: 'x', mine: 'yes' }, finalizers: ['demo.dev/f'] }));
    const applied = await websites.apply({ name: 'web', labels: { app: 'y' }, spec: { message: 'two' }, owner });
    expect(applied).toMatchObject({
      metadata: { labels: { app: 'y', mine: 'yes' }, finalizers: ['demo.dev/f'], generation: 2 },
      spec: { message: 'two', replicas: 1 },
    });
  });

  it('I-131: refuses a second controller', async () => {
    const { websites, nodes } = setUp();
    const [one, two] = await Promise.all(['n1', 'n2'].map((name) => nodes.create({ name, spec: { address: 'a' } })));
    await websites.apply({ name: 'web', spec, owner: one });
    await expect(websites.apply({ name: 'web', spec, owner: two })).rejects.toMatchObject({ code: 'Conflict' });
    const both = [ownerReferenceTo(one!), ownerReferenceTo(two!)];
    await expect(websites.modify('web', () => ({ ownerReferences: both }))).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('two that race to create end with one object and no error', async () => {
    const { websites, clock } = setUp();
    const [one, two] = await drive(
      clock,
      Promise.all([websites.apply({ name: 'web', spec }), websites.apply({ name: 'web', spec })]),
    );
    expect(one.metadata.uid).toBe(two.metadata.uid);
  });

  it('from a cached copy: no call when nothing differs, one write when something does, and a stale one is no harm', async () => {
    const { websites, calls } = setUp();
    const web = await websites.create({ name: 'web', spec });
    calls.length = 0;
    expect(await websites.apply({ name: 'web', spec }, { from: web })).toBe(web);
    expect(calls).toEqual([]);
    const two = await websites.apply({ name: 'web', spec: { message: 'two' } }, { from: web });
    expect(calls).toEqual(['txn']);
    const three = await websites.apply({ name: 'web', spec: { message: 'three' } }, { from: web });
    expect(three.metadata.generation).toBe(two.metadata.generation + 1);
    await websites.delete('web');
    const again = await websites.apply({ name: 'web', spec: { message: 'four' } }, { from: three });
    expect(again.metadata.uid).not.toBe(three.metadata.uid);
    const onceMore = await websites.apply({ name: 'web', spec: { message: 'five' } }, { from: three });
    expect(onceMore.metadata.uid).toBe(again.metadata.uid);
  });
});

describe('delete and finalizers', () => {
  it('I-120: deletes on condition of uid and version, and returns the last value at the revision of the delete', async () => {
    const { websites, store } = setUp();
    const web = await websites.create({ name: 'web', spec });
    await expect(websites.delete('web', { uid: 'another' })).rejects.toMatchObject({ code: 'Conflict' });
    await expect(websites.delete('web', { resourceVersion: '1' })).rejects.toMatchObject({ code: 'Conflict' });
    const gone = await websites.delete('web', web.metadata);
    expect(gone).toMatchObject({ spec: web.spec, metadata: { uid: web.metadata.uid } });
    expect(BigInt(gone.metadata.resourceVersion)).toBe(await revisionOf(store));
    expect(await websites.find('web')).toBeUndefined();
    await expect(websites.delete('web')).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('I-120: deletes the incarnation of the object that is passed and no other', async () => {
    const { websites } = setUp();
    const first = await websites.create({ name: 'web', spec });
    const stale = first;
    await websites.updateStatus(first, { ready: 1 });
    await websites.delete(stale);
    await websites.create({ name: 'web', spec });
    await expect(websites.delete(stale)).rejects.toMatchObject({ code: 'Conflict' });
    expect(await websites.find('web')).toBeDefined();
  });

  it('I-129: a delete with finalizers left only marks, and never a second time', async () => {
    const { websites, clock, store } = setUp();
    await websites.create({ name: 'web', finalizers: ['demo.dev/f'], spec });
    const marked = await websites.delete('web');
    expect(marked.metadata).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:00.000Z', generation: 1 });
    clock.jumpWall(60_000);
    const before = await revisionOf(store);
    expect(await websites.delete('web')).toEqual(marked);
    expect(await revisionOf(store)).toBe(before);
  });

  it('I-129: the write that removes the last finalizer deletes, in one step', async () => {
    const { websites, store, calls } = setUp();
    const web = await websites.create({ name: 'web', finalizers: ['demo.dev/a', 'demo.dev/b'], spec });
    await websites.removeFinalizer(await websites.delete(web), 'demo.dev/a');
    const before = await revisionOf(store);
    calls.length = 0;
    const gone = await websites.removeFinalizer('web', 'demo.dev/b');
    expect(calls).toEqual(['range', 'txn']);
    expect(BigInt(gone.metadata.resourceVersion)).toBe(before + 1n);
    expect(await raw(store)).toBeUndefined();
  });

  it('I-129: an object that is being deleted takes no new finalizer', async () => {
    const { websites } = setUp();
    await websites.create({ name: 'web', finalizers: ['demo.dev/f'], spec });
    const marked = await websites.delete('web');
    await expect(websites.addFinalizer('web', 'demo.dev/g')).rejects.toMatchObject({ code: 'Invalid' });
    await expect(websites.update(marked, { finalizers: ['demo.dev/g'] })).rejects.toMatchObject({ code: 'Invalid' });
    expect((await websites.addFinalizer('web', 'demo.dev/f')).metadata).toEqual(marked.metadata);
  });

  it('I-128: no write unsets the deletionTimestamp', async () => {
    const { websites } = setUp();
    await websites.create({ name: 'web', finalizers: ['demo.dev/f'], spec });
    const marked = await websites.delete('web');
    const { deletionTimestamp: _, ...metadata } = marked.metadata;
    const unset = websites.update({ ...marked, metadata, spec: { message: 'two', replicas: 1 } });
    await expect(unset).rejects.toMatchObject({ code: 'Invalid', details: { path: 'metadata.deletionTimestamp' } });
    expect(await websites.get('web')).toEqual(marked);
    const next = await websites.update(marked, { spec: { message: 'two' } });
    expect(next.metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp);
  });

  it('adds a finalizer once, and removing an absent one writes nothing', async () => {
    const { websites } = setUp();
    const web = await websites.create({ name: 'web', spec });
    const held = await websites.addFinalizer(web, 'demo.dev/f');
    expect(held.metadata.finalizers).toEqual(['demo.dev/f']);
    expect(await websites.addFinalizer(held, 'demo.dev/f')).toEqual(held);
    expect(await websites.removeFinalizer(held, 'demo.dev/g')).toEqual(held);
    expect((await websites.removeFinalizer(held, 'demo.dev/f')).metadata.finalizers).toEqual([]);
    await expect(websites.addFinalizer('web', 'not valid!')).rejects.toMatchObject({ code: 'Invalid' });
  });
});

describe('list', () => {
  it('I-113: lists one namespace and not those whose names begin alike, or all', async () => {
    const { websites } = setUp();
    for (const namespace of ['a', 'ab', 'a-b', 'b']) await websites.create({ name: 'web', namespace, spec });
    const keysOf = ({ items }: Awaited<ReturnType<typeof websites.list>>) => items.map((o) => o.metadata.namespace);
    expect(keysOf(await websites.list({ namespace: 'a' }))).toEqual(['a']);
    expect(keysOf(await websites.list())).toEqual(['a-b', 'a', 'ab', 'b']);
    await expect(websites.list({ namespace: '..' })).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('selects by labels', async () => {
    const { websites } = setUp();
    for (const app of ['x', 'y']) await websites.create({ name: app, labels: { app }, spec });
    const { items } = await websites.list({ labelSelector: 'app=x' });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['x']);
    expect((await websites.list({ labelSelector: { matchLabels: { app: 'z' } } })).items).toEqual([]);
  });

  it('I-123: reads every page at the revision of the first, whatever is written between', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const plain = createClient({ store, clock }).resource(Website);
    const template = await plain.create({ name: 'template', spec });
    const count = 10_050;
    for (let index = 0; index < count; index++) {
      const name = `w${String(index).padStart(5, '0')}`;
      const key = storeKey(Website, { namespace: 'default', name });
      await store.put({ key, value: codec.encode({ ...template, metadata: { ...template.metadata, name } }) });
    }
    const revision = await revisionOf(store);
    let pages = 0;
    const meddling: Store = Object.assign(Object.create(store) as Store, {
      range: async (...args: Parameters<Store['range']>) => {
        const page = await store.range(...args);
        if (pages++ === 0) await store.delete({ key: '/registry/websites/default/w10049' });
        return page;
      },
    });
    const list = await createClient({ store: meddling, clock }).resource(Website).list();
    expect(pages).toBeGreaterThan(2);
    expect(list.items).toHaveLength(count + 1);
    expect(list.resourceVersion).toBe(String(revision));
    expect(new Set(list.items.map(({ metadata }) => metadata.name)).size).toBe(count + 1);
  });

  it('F-108: lists the readable objects and names those that are not', async () => {
    const { websites, store } = setUp();
    await websites.create({ name: 'web', spec });
    await store.put({ key: '/registry/websites/default/broken', value: '{"secret":"hunter2"' });
    const { items, unreadable } = await websites.list();
    expect(items).toHaveLength(1);
    expect(unreadable).toHaveLength(1);
    expect(unreadable[0]).toMatchObject({ code: 'Invalid', details: { key: '/registry/websites/default/broken' } });
    expect(String(unreadable[0])).not.toContain('hunter2');
    await expect(websites.get('broken')).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('F-35: starts over when its revision is compacted between pages', async () => {
    const clock = new FakeClock();
    const store = memoryStore({ clock });
    const websites = createClient({ store, clock }).resource(Website);
    await websites.create({ name: 'web', spec });
    let calls = 0;
    const compacting: Store = Object.assign(Object.create(store) as Store, {
      range: async (...[request, options]: Parameters<Store['range']>) => {
        calls++;
        const page = await store.range(request, options);
        if (calls > 1) return page;
        await store.put({ key: 'x', value: '' });
        await store.put({ key: 'x', value: '' });
        await store.compact(await revisionOf(store));
        return { ...page, more: true };
      },
    });
    const { items } = await createClient({ store: compacting, clock }).resource(Website).list();
    expect(items).toHaveLength(1);
    expect(calls).toBe(3);
  });
});

describe('client', () => {
  it('tells onWrite of each applied write, with its revision, and of nothing else', async () => {
    const writes: unknown[] = [];
    const { websites } = setUp({ onWrite: (...write) => writes.push([write[0].kind, ...write.slice(1)]) });
    const web = await websites.create({ name: 'web', spec });
    await websites.update(web, { spec });
    await websites.create({ name: 'web', spec }).catch(() => {});
    const ready = await websites.updateStatus(web, { ready: 1 });
    const gone = await websites.delete('web');
    const versions = [web, ready, gone].map(({ metadata }) => BigInt(metadata.resourceVersion));
    expect(writes).toEqual(versions.map((revision) => ['Website', 'default/web', revision]));
  });

  it('refuses two kinds under one plural', () => {
    const { client } = setUp();
    client.resource(Website);
    const { group, version, plural, specSchema } = Website;
    const impostor = defineResource({ group, version, kind: 'Other', plural, spec: specSchema });
    expect(() => client.resource(impostor)).toThrow(/plural/);
    expect(client.resource(Website)).toBe(client.resource(Website));
  });

  it('I-150: over a fenced store, returns the right revisions and is refused once the fence is gone', async () => {
    const { store, clock } = setUp();
    await store.put({ key: 'lock', value: 'me' });
    const fence = { compares: [{ key: 'lock', target: 'version', operator: '=', operand: 1n }] } as const;
    const websites = createClient({ store: fenceStore(store, fence), clock }).resource(Website);
    const web = await websites.create({ name: 'web', spec });
    expect(BigInt(web.metadata.resourceVersion)).toBe(await revisionOf(store));
    const next = await websites.updateStatus(web, { ready: 1 });
    await expect(websites.update(web, { labels: { a: 'b' } })).rejects.toMatchObject({ code: 'Conflict' });
    await store.put({ key: 'lock', value: 'you' });
    await expect(websites.updateStatus(next, { ready: 2 })).rejects.toMatchObject({ code: 'LockLost' });
    expect(await websites.get('web')).toEqual(next);
  });

  it('refuses an empty prefix, or one that does not begin and end right', () => {
    for (const prefix of ['', '/', 'registry', '/registry/', '/a//b', '/..']) {
      expect(() => createClient({ store: memoryStore(), prefix })).toThrow(
        expect.toSatisfy((error: unknown) => isSetpointError(error, 'Invalid')),
      );
    }
  });
});
