import { describe, expect, it } from 'vitest';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { generationChanged } from '../source/index.ts';
import { memoryStore } from '../store/index.ts';
import { createManager } from './control-plane.ts';
import { defineController } from './define-controller.ts';

describe('which objects are reconciled', () => {
  it('each once at the start, and again when it changes', async () => {
    const store = memoryStore();
    const before = createManager({ store }).client.resource(Website);
    await before.create({ name: 'a', spec: {} });
    await before.create({ name: 'b', namespace: 'prod', spec: {} });
    const seen: string[] = [];
    const { client, clock } = await running(
      [defineController(Website, { reconcile: ({ key, object }) => void seen.push(`${key} ${object.spec.replicas}`) })],
      { store },
    );
    expect(seen.splice(0).toSorted()).toEqual(['default/a 1', 'prod/b 1']);
    await client.resource(Website).modify('prod/b', () => ({ spec: { replicas: 7 } }));
    await clock.advance(0);
    expect(seen).toEqual(['prod/b 7']);
  });

  it('I-70: a key whose object is gone is no error: gone is told, reconcile is not called', async () => {
    const calls: string[] = [];
    const { client, clock, errors } = await running([
      defineController(Website, {
        reconcile: ({ key }) => void calls.push(`reconcile ${key}`),
        gone: ({ key }) => void calls.push(`gone ${key}`),
      }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    await client.resource(Website).delete('a');
    await clock.advance(0);
    expect(calls).toEqual(['reconcile default/a', 'gone default/a']);
    expect(errors()).toEqual([]);
  });

  it('only for changes that every predicate passes', async () => {
    let runs = 0;
    const { client, clock } = await running([
      defineController(Website, {
        predicates: [generationChanged, ({ object }) => object.metadata.namespace === 'default'],
        reconcile: () => void runs++,
      }),
    ]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await websites.create({ name: 'a', namespace: 'other', spec: {} });
    await clock.advance(0);
    expect(runs).toBe(1);
    await websites.modify('a', () => ({ labels: { x: 'y' } }));
    await clock.advance(0);
    expect(runs).toBe(1);
    await websites.modify('a', () => ({ spec: { replicas: 2 } }));
    await clock.advance(0);
    expect(runs).toBe(2);
  });

  it('also because of another kind that maps to them; a name alone is in the namespace of what changed', async () => {
    const keys: string[] = [];
    const { client, clock } = await running([
      defineController(Website, {
        watches: [{ resource: Server, map: (server) => [{ name: server.spec.site }] }],
        reconcile: () => {},
        gone: ({ key }) => void keys.push(key),
      }),
    ]);
    await client.resource(Server).create({ name: 's', namespace: 'prod', spec: { site: 'shop' } });
    await clock.advance(0);
    await client.resource(Server).modify('prod/s', () => ({ spec: { site: 'blog' } }));
    await clock.advance(0);
    expect(keys).toEqual(['prod/shop', 'prod/shop', 'prod/blog']);
  });
});
