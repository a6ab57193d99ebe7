import { describe, expect, it } from 'vitest';
import { running, Website } from '../../../../test/harness/running-manager.ts';
import { deferred } from '../internal/deferred.ts';
import { generationChanged } from '../source/index.ts';
import { defineController } from './define-controller.ts';

describe('finalize', () => {
  const finalizer = 'demo.dev/websites';

  async function withFinalize(finalize: () => unknown) {
    const calls: string[] = [];
    const world = await running([
      defineController(Website, {
        predicates: [generationChanged],
        reconcile: ({ object }) => void calls.push(`reconcile with ${object.metadata.finalizers?.join() ?? 'none'}`),
        finalize: (() => {
          calls.push('finalize');
          return finalize();
        }) as () => void,
      }),
    ]);
    const websites = world.client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await world.clock.advance(0);
    return { ...world, websites, calls };
  }

  it('puts its finalizer on before the first reconcile, in the same run, and once', async () => {
    const { calls, websites, clock } = await withFinalize(() => {});
    expect(calls).toEqual([`reconcile with ${finalizer}`]);
    await websites.modify('a', () => ({ spec: { replicas: 2 } }));
    await clock.advance(0);
    expect(calls).toEqual([`reconcile with ${finalizer}`, `reconcile with ${finalizer}`]);
    expect((await websites.get('a')).metadata.finalizers).toEqual([finalizer]);
  });

  it('status can be written in the run that puts the finalizer on', async () => {
    const { client, clock, errors } = await running([
      defineController(Website, { reconcile: ({ status }) => status({ ready: 1 }), finalize: () => {} }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(0);
    expect(errors()).toEqual([]);
    expect((await client.resource(Website).get('a')).status?.ready).toBe(1);
  });

  it('is called when the object is deleted, which stays until it has resolved', async () => {
    const cleaned = deferred();
    const { calls, websites, clock } = await withFinalize(() => cleaned.promise);
    await websites.delete('a');
    await clock.advance(0);
    expect(calls.slice(1)).toEqual(['finalize']);
    expect((await websites.get('a')).metadata.deletionTimestamp).toBeDefined();
    cleaned.resolve();
    await clock.advance(0);
    expect(await websites.find('a')).toBeUndefined();
    expect(calls.slice(1)).toEqual(['finalize']);
  });

  it('keeps the object while it throws, or asks to be run again', async () => {
    const answers = [
      () => {
        throw new Error('not yet');
      },
      () => ({ requeueAfterMs: 1000 }),
      () => ({ requeue: true }),
      () => ({}),
    ];
    const { calls, websites, clock } = await withFinalize(() => answers.shift()!());
    await websites.delete('a');
    await clock.advance(5);
    expect(calls.slice(1)).toEqual(['finalize', 'finalize']);
    await clock.advance(1000);
    expect(calls.slice(1)).toHaveLength(3);
    expect(await websites.find('a')).toBeDefined();
    await clock.advance(10);
    expect(calls.slice(1)).toHaveLength(4);
    expect(await websites.find('a')).toBeUndefined();
  });

  it('an object that is being deleted for the sake of others is neither reconciled nor finalized', async () => {
    const { calls, websites, clock } = await withFinalize(() => {});
    await websites.addFinalizer('a', 'other.dev/thing');
    await websites.delete('a');
    await clock.advance(0);
    expect(calls.slice(1)).toEqual(['finalize']);
    expect((await websites.get('a')).metadata.finalizers).toEqual(['other.dev/thing']);
    await websites.modify('a', () => ({ labels: { still: 'here' } }));
    await clock.advance(60_000);
    expect(calls.slice(1)).toEqual(['finalize']);
  });

  it('a controller that no longer has finalize lets go of what an earlier version of it held', async () => {
    const { client, clock } = await running([defineController(Website, { reconcile: () => {} })]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {}, finalizers: [finalizer] });
    await websites.delete('a');
    await clock.advance(0);
    expect(await websites.find('a')).toBeUndefined();
  });
});
