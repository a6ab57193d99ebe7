import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { drive, errorOf, revisionOf, sampleClient, Website } from '../../../../test/harness/sample-objects.ts';
import { defineResource, type ObjectOf } from '../resource/index.ts';
import { memoryStore } from '../store/index.ts';
import { admit, type AdmissionHook, type Propagation } from './index.ts';

const spec = { message: 'hello' };

describe('a dry run', () => {
  it('gives what each write would give, and stores nothing', async () => {
    const { websites, store } = sampleClient();
    const web = await websites.create({ name: 'web', spec });
    const before = await revisionOf(store);
    const dryRun = true;
    expect(await websites.create({ name: 'new', spec }, { dryRun })).toMatchObject({ spec: { replicas: 1 } });
    expect(await websites.update(web, { spec: { message: 'two' } }, { dryRun })).toMatchObject({
      spec: { message: 'two' },
      metadata: { generation: 2, resourceVersion: web.metadata.resourceVersion },
    });
    expect((await websites.patch('web', { spec: { replicas: 3 } }, { dryRun })).spec.replicas).toBe(3);
    expect((await websites.apply({ name: 'web', spec: { message: 'x' } }, { dryRun })).spec.message).toBe('x');
    expect((await websites.updateStatus(web, { ready: 1 }, { dryRun })).status?.ready).toBe(1);
    expect((await websites.delete('web', { dryRun })).metadata.deletionTimestamp).toBeDefined();
    expect(await websites.deleteCollection({ dryRun })).toMatchObject({ deleted: [{ metadata: { name: 'web' } }] });
    expect(await revisionOf(store)).toBe(before);
  });

  it('fails as the write would', async () => {
    const { websites } = sampleClient();
    const web = await websites.create({ name: 'web', spec });
    await websites.update(web, { labels: { a: 'b' } });
    const dryRun = true;
    expect(await errorOf(websites.create({ name: 'web', spec }, { dryRun }))).toMatchObject({ code: 'AlreadyExists' });
    expect(await errorOf(websites.update(web, { labels: {} }, { dryRun }))).toMatchObject({ code: 'Conflict' });
    const huge = { name: 'huge', spec: { message: 'x'.repeat(2_000_000) } };
    expect(await errorOf(websites.create(huge, { dryRun }))).toMatchObject({ code: 'TooLarge' });
  });
});

describe('a generated name', () => {
  it('is made of its beginning and five characters, and another one where that is taken', async () => {
    const { websites, client } = sampleClient();
    const made = await websites.create({ generateName: 'web-', spec });
    expect(made.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    const draws = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5];
    const random = { next: () => draws.shift() ?? 0, uuid: () => `uid-${draws.length}` };
    const again = sampleClient({ store: client.store, random }).websites;
    expect((await again.create({ generateName: 'web-', spec })).metadata.name).toBe('web-bbbbb');
    expect((await again.create({ generateName: 'web-', spec })).metadata.name).not.toBe('web-bbbbb');
    expect(await errorOf(again.create({ generateName: 'web-', spec }))).toMatchObject({ code: 'AlreadyExists' });
  });

  it('is refused where it would be no name', async () => {
    const { websites, calls } = sampleClient();
    for (const generateName of ['', 'Web-', 'a/b', '-', 5 as never].slice(1)) {
      expect(await errorOf(websites.create({ generateName, spec }))).toMatchObject({
        details: { path: 'generateName' },
      });
    }
    const both = { name: 'web', generateName: 'web-', spec } as never;
    expect(await errorOf(websites.create(both))).toMatchObject({ code: 'Invalid' });
    expect(calls).toEqual([]);
  });
});

describe('deletes', () => {
  it('mark for the garbage collector what is to become of dependents', async () => {
    const { websites } = sampleClient();
    for (const [propagation, finalizer] of [
      ['Foreground', 'foregroundDeletion'] as const,
      ['Orphan', 'orphan'] as const,
    ]) {
      const name = propagation.toLowerCase();
      await websites.create({ name, finalizers: ['demo.dev/f'], spec });
      const marked = await websites.delete(name, { propagation });
      expect(marked.metadata.finalizers).toEqual(['demo.dev/f', finalizer]);
      expect(await websites.delete(name, { propagation: 'Background' })).toEqual(marked);
    }
    const wrong = websites.delete('orphan', { propagation: 'Sideways' as Propagation });
    expect(await errorOf(wrong)).toMatchObject({ code: 'Invalid', details: { path: 'propagation' } });
  });

  it('of many reach what is selected, when it is deleted, and nothing else', async () => {
    const { websites, store } = sampleClient();
    for (let index = 0; index < 40; index++) {
      await websites.create({ name: `w${index}`, labels: { parity: index % 2 ? 'odd' : 'even' }, spec });
    }
    await websites.create({ name: 'other', namespace: 'other', labels: { parity: 'odd' }, spec });
    await store.put({ key: '/registry/websites/default/bad', value: 'nonsense' });
    const { deleted, unreadable } = await websites.deleteCollection({
      namespace: 'default',
      labelSelector: 'parity=odd',
    });
    expect([deleted.length, unreadable.length]).toEqual([20, 1]);
    const left = await websites.list();
    expect(left.items).toHaveLength(21);
    expect(
      left.items.every(({ metadata: { labels, namespace } }) => labels?.['parity'] === 'even' || namespace === 'other'),
    ).toBe(true);
  });
});

describe('rules of a kind', () => {
  const Volume = defineResource({
    group: 'demo.dev',
    version: 'v1',
    kind: 'Volume',
    plural: 'volumes',
    spec: z.object({ size: z.int(), class: z.string().optional() }),
    immutable: ['spec.class'],
    unconditionalUpdate: true,
  });

  it('keep immutable fields as they were created, by whatever write', async () => {
    const { client, store } = sampleClient();
    const volumes = client.resource(Volume);
    const volume = await volumes.create({ name: 'v', spec: { size: 1, class: 'fast' } });
    const before = await revisionOf(store);
    const changed = { size: 2, class: 'slow' };
    const writes = [
      volumes.update(volume, { spec: changed }),
      volumes.modify('v', () => ({ spec: changed })),
      volumes.patch('v', { spec: { class: null } }),
      volumes.apply({ name: 'v', spec: changed }),
      volumes.applyFields({ name: 'v', spec: { class: 'slow' } }, { manager: 'm', force: true }),
    ];
    for (const write of writes) {
      expect(await errorOf(write)).toMatchObject({ code: 'Invalid', details: { path: 'spec.class' } });
    }
    expect(await revisionOf(store)).toBe(before);
    expect((await volumes.patch('v', { spec: { size: 2 } })).spec).toEqual({ size: 2, class: 'fast' });
  });

  it('I-117: let an update without a version overwrite only where the kind says so', async () => {
    const { client, websites } = sampleClient();
    const volumes = client.resource(Volume);
    const unversioned = <T extends { readonly metadata: object }>(object: T): T => ({
      ...object,
      metadata: { ...object.metadata, resourceVersion: '' },
    });
    const volume = await volumes.create({ name: 'v', spec: { size: 1 } });
    await volumes.update(volume, { spec: { size: 2 } });
    const overwritten = await volumes.update(unversioned({ ...volume, spec: { size: 3 } }));
    expect(overwritten).toMatchObject({ spec: { size: 3 }, metadata: { generation: 3 } });
    const web = await websites.create({ name: 'web', spec });
    expect(await errorOf(websites.update(unversioned(web), { labels: {} }))).toMatchObject({
      code: 'Invalid',
      details: { path: 'metadata.resourceVersion' },
    });
  });

  it('I-118: ask the store once more before a change of a cached object fails', async () => {
    const { websites, calls } = sampleClient();
    const cached = await websites.create({ name: 'web', spec: { message: 'one', replicas: 0 } });
    await websites.update(cached, { spec: { message: 'one', replicas: 5 } });
    const lessOne = (current: ObjectOf<typeof Website>) => ({
      spec: { ...current.spec, replicas: current.spec.replicas - 1 },
    });
    expect((await websites.modify(cached, lessOne)).spec.replicas).toBe(4);
    const fresh = await websites.modify('web', () => ({ spec: { message: 'one', replicas: 0 } }));
    calls.length = 0;
    expect(await errorOf(websites.modify(fresh, lessOne))).toMatchObject({ details: { path: 'spec.replicas' } });
    expect(calls).toEqual(['range']);
  });
});

describe('admission', () => {
  const seen: string[] = [];
  const hooked = (...admission: AdmissionHook[]) => sampleClient({ admission });

  it('changes in order, then asks in order, each hook seeing what came before it', async () => {
    seen.length = 0;
    const hook = (name: string) =>
      admit(Website, {
        name,
        mutate: ({ object, operation }) => {
          seen.push(`${name} mutates ${operation} ${object.spec.message}`);
          return object.spec.message.endsWith(name)
            ? undefined
            : { spec: { ...object.spec, message: object.spec.message + name } };
        },
        validate: ({ object, before }) =>
          void seen.push(`${name} sees ${object.spec.message} after ${before?.spec.message}`),
      });
    const { websites, servers } = hooked(hook('A'), hook('B'));
    const web = await websites.create({ name: 'web', spec: { message: 'm' } });
    expect(web).toMatchObject({ spec: { message: 'mAB', replicas: 1 }, metadata: { generation: 1 } });
    expect(seen).toEqual([
      'A mutates create m',
      'B mutates create mA',
      'A sees mAB after undefined',
      'B sees mAB after undefined',
    ]);
    expect((await websites.update(web, { spec: { message: 'n' } })).metadata.generation).toBe(2);
    await servers.create({ name: 's', spec: { message: 'm' } });
    expect(seen).toHaveLength(8);
  });

  it('refuses with the reason, and leaves the store untouched, deletes included', async () => {
    const { websites, store } = hooked(
      admit({
        name: 'guard',
        validate: ({ operation, object }) =>
          object.metadata.name === 'bad' || operation === 'delete' ? 'no' : undefined,
      }),
    );
    await websites.create({ name: 'web', spec });
    const before = await revisionOf(store);
    expect(await errorOf(websites.create({ name: 'bad', spec }))).toMatchObject({
      code: 'Denied',
      message: expect.stringMatching(/"guard" refuses it: no.*Nothing was written/),
    });
    expect(await errorOf(websites.delete('web'))).toMatchObject({ code: 'Denied' });
    expect(await errorOf(websites.create({ name: 'bad', spec }, { dryRun: true }))).toMatchObject({ code: 'Denied' });
    expect(await revisionOf(store)).toBe(before);
  });

  it('validates what a hook makes', async () => {
    const { websites } = hooked(
      admit(Website, { name: 'broken', mutate: () => ({ spec: { message: 'x', replicas: -1 } }) }),
    );
    expect(await errorOf(websites.create({ name: 'web', spec }))).toMatchObject({
      code: 'Invalid',
      message: expect.stringContaining('admission hook "broken"'),
      details: { path: 'spec.replicas' },
    });
  });

  it('refuses what takes too long or throws, or goes on without it, as the hook says', async () => {
    const hangs = (onFailure: 'refuse' | 'ignore') =>
      admit({ name: 'slow', timeoutMs: 500, onFailure, validate: () => new Promise<string>(() => {}) });
    const strict = hooked(hangs('refuse'));
    const late = await errorOf(drive(strict.clock, strict.websites.create({ name: 'web', spec })));
    expect(late).toMatchObject({ code: 'Timeout', message: expect.stringContaining('500 ms') });
    expect(strict.calls).toEqual([]);
    expect(strict.clock.pendingTimers).toBe(0);
    const lenient = hooked(hangs('ignore'));
    expect((await drive(lenient.clock, lenient.websites.create({ name: 'web', spec }))).metadata.name).toBe('web');
    const throws = hooked(admit({ name: 'throws', validate: () => Promise.reject(new Error('away')) }));
    expect(await errorOf(throws.websites.create({ name: 'web', spec }))).toMatchObject({
      code: 'Denied',
      message: expect.stringContaining('away'),
    });
  });

  it('gives a hook 10 s unless it says otherwise', async () => {
    const { clock, websites } = hooked(admit({ name: 'slow', validate: () => new Promise<string>(() => {}) }));
    let ended = false;
    const error = errorOf(websites.create({ name: 'web', spec })).finally(() => (ended = true));
    await clock.advance(9999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await error).toMatchObject({ code: 'Timeout', message: expect.stringContaining('10000 ms') });
  });

  it('refuses hooks that are none', () => {
    expect(() => admit({ name: '', validate: () => undefined })).toThrow(/name/);
    expect(() => admit({ name: 'x' })).toThrow(/mutate or validate/);
    expect(() => admit({ name: 'x', timeoutMs: 0, validate: () => undefined })).toThrow(/timeoutMs/);
    expect(() => sampleClient({ admission: [{ validate: () => undefined } as never] })).toThrow(/admit/);
  });
});

describe('history', () => {
  it('is never half of one: of what is there it ends with its last change, and given up it fails', async () => {
    const stop = new AbortController();
    let leaves = false;
    /** A server that tells how far it is by events alone, and a caller who may leave after the first of them. */
    const store = interposedStore(memoryStore(), {
      watch: async function* (request, open) {
        for await (const { events } of open(request)) {
          for (const event of events) {
            yield { events: [event], revision: event.kv.modRevision };
            if (leaves) return stop.abort();
          }
        }
      },
    });
    const { websites } = sampleClient({ store });
    const web = await websites.create({ name: 'web', spec: { message: 'one' } });
    await websites.create({ name: 'other', spec: { message: 'x' } });
    expect((await websites.history('web')).versions).toHaveLength(1);
    await websites.update(web, { spec: { message: 'two' } });
    expect((await websites.history('web')).versions).toHaveLength(2);
    leaves = true;
    expect(await errorOf(websites.history('web', { signal: stop.signal }))).toMatchObject({ code: 'Aborted' });
  });

  it('ends at its time limit where the store does not go on telling', async () => {
    const silent = interposedStore(memoryStore(), {
      watch: async function* (_request, _open, { signal }) {
        yield* [];
        await new Promise((resolve) => signal!.addEventListener('abort', resolve, { once: true }));
      },
    });
    const { websites, clock } = sampleClient({ store: silent });
    await websites.create({ name: 'web', spec: { message: 'one' } });
    const asked = drive(clock, websites.history('web', { timeoutMs: 1_000 }));
    expect(await errorOf(asked)).toMatchObject({ code: 'DeadlineExceeded' });
    expect(clock.now()).toBe(1_000);
  });

  it('has every version with what changed, deletes included, and says whether it is all', async () => {
    const { websites, store } = sampleClient();
    const web = await websites.create({ name: 'web', spec: { message: 'one' } });
    const two = await websites.update(web, { spec: { message: 'two' }, labels: { a: 'b' } });
    await websites.updateStatus(two, { ready: 1 });
    await websites.create({ name: 'web2', spec: { message: 'other' } });
    await websites.delete('web');
    await websites.create({ name: 'web', spec: { message: 'again' } });
    const { versions, complete } = await websites.history('web');
    expect(complete).toBe(true);
    expect(versions.map(({ type, object }) => `${type} ${object?.spec.message}`)).toEqual([
      'created one',
      'updated two',
      'updated two',
      'deleted two',
      'created again',
    ]);
    expect(versions[1]!.changes).toEqual([
      { path: 'metadata.generation', before: 1, after: 2 },
      { path: 'metadata.labels', before: undefined, after: { a: 'b' } },
      { path: 'spec.message', before: 'one', after: 'two' },
    ]);
    expect(versions[2]!.changes).toEqual([{ path: 'status', before: undefined, after: { ready: 1 } }]);
    await store.compact(BigInt(two.metadata.resourceVersion));
    const later = await websites.history('web');
    expect(later.complete).toBe(false);
    expect(later.versions.map(({ type }) => type)).toEqual(['updated', 'deleted', 'created']);
    await store.compact(await revisionOf(store));
    expect((await websites.history('web')).versions.map(({ object }) => object?.spec.message)).toEqual(['again']);
    expect(await websites.history('never')).toMatchObject({ versions: [] });
  });
});
