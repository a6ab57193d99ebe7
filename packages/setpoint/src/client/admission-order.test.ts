import { memoryStore } from 'setpoint/store';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient, Website } from '../../../../test/harness/sample-objects.ts';
import { aesGcmTransformer } from '../resource/index.ts';
import { admit, type AdmissionHook, type ClientOptions } from './index.ts';

const spec = { message: 'hello' };

/** Keeps replicas at two at most, and counts how often it was asked. */
function limited(options: Partial<ClientOptions> = {}) {
  const asked: string[] = [];
  const limit: AdmissionHook = admit(Website, {
    name: 'limit',
    mutate: ({ object, operation }) => {
      asked.push(operation);
      return object.spec.replicas > 2 ? { spec: { ...object.spec, replicas: 2 } } : undefined;
    },
  });
  return { ...sampleClient({ admission: [limit], ...options }), asked };
}

describe('admission and writes that change nothing', () => {
  it('I-119: a write that hooks bring back to what is stored is not made, from a copy at hand or from what is read', async () => {
    const { websites, client, store, calls } = limited();
    const web = await websites.create({ name: 'web', spec: { ...spec, replicas: 5 } });
    expect(web.spec.replicas).toBe(2);
    const base = await revisionOf(store);
    for (let round = 0; round < 3; round++) {
      const applied = await websites.apply({ name: 'web', spec: { ...spec, replicas: 5 } });
      expect(applied).toEqual(web);
    }
    calls.length = 0;
    expect(await websites.update(web, { spec: { ...spec, replicas: 7 } })).toEqual(web);
    expect(calls).toEqual(['range']);
    const both = client.transaction(async (tx) => {
      await tx.resource(Website).update('web', { spec: { ...spec, replicas: 9 } });
      await tx.resource(Website).create({ name: 'other', spec });
    });
    expect((await both).resourceVersion).toBe(String(base + 1n));
    await client.transaction(
      async (tx) => void (await tx.resource(Website).update('web', { spec: { ...spec, replicas: 9 } })),
    );
    expect(await revisionOf(store)).toBe(base + 1n);
    expect(await websites.get('web')).toEqual(web);
  });

  it('I-119: of an old copy it is a Conflict all the same', async () => {
    const { websites } = limited();
    const old = await websites.create({ name: 'web', spec: { ...spec, replicas: 5 } });
    await websites.update(old, { labels: { a: 'b' } });
    expect(await errorOf(websites.update(old, { spec: { ...spec, replicas: 7 } }))).toMatchObject({ code: 'Conflict' });
  });

  it('asks nobody about a write that changes nothing, nor about new bytes for the same object', async () => {
    const [old, fresh] = ['old', 'new'].map((id) => ({ id, secret: randomBytes(32) }));
    const transformerOf = (keys: object[]) => () => aesGcmTransformer({ keys: keys as never });
    const { websites, store } = limited({ store: memoryStore(), transformerOf: transformerOf([old!]) });
    const web = await websites.create({ name: 'web', spec });
    const later = limited({ store, transformerOf: transformerOf([fresh!, old!]) });
    const read = await later.websites.get('web');
    expect(await later.websites.rewriteStale()).toBe(1);
    expect((await later.websites.get('web')).metadata.resourceVersion).not.toBe(web.metadata.resourceVersion);
    await later.websites.apply({ name: 'web', spec });
    expect(await later.websites.rewriteStale()).toBe(0);
    expect([read.spec, later.asked]).toEqual([web.spec, []]);
  });

  it('lets a hook set a field that keeps what it was created with, when the object is created and not later', async () => {
    const placed = admit(Website, {
      name: 'place',
      mutate: ({ object }) => ({ spec: { ...object.spec, region: object.spec.replicas > 1 ? 'us' : 'eu' } }),
    });
    const { websites, store } = sampleClient({ admission: [placed] });
    expect((await websites.create({ name: 'web', spec })).spec.region).toBe('eu');
    const base = await revisionOf(store);
    expect(await errorOf(websites.patch('web', { spec: { replicas: 2 } }))).toMatchObject({
      code: 'Invalid',
      details: { path: 'spec.region' },
    });
    expect(await revisionOf(store)).toBe(base);
  });
});
