import { createClient, defineResource, memoryStore, type ObjectKey, type ObjectOf } from 'setpoint';
import { objectKey, type SpecInputOf, type StatusOf } from 'setpoint/resource';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

/** What the compiler must allow and refuse where objects are read and written. The tests only run what it allowed. */
const names = { group: 'demo.dev', version: 'v1' } as const;
const Rollout = defineResource({
  ...names,
  kind: 'Rollout',
  plural: 'rollouts',
  spec: z.object({
    steps: z.array(z.object({ weight: z.int(), pauseMs: z.int().default(0) })),
    strategy: z.discriminatedUnion('type', [
      z.object({ type: z.literal('all') }),
      z.object({ type: z.literal('rolling'), max: z.int() }),
    ]),
    note: z.string().optional(),
  }),
});
const Job = defineResource({
  status: v.object({ exitCode: v.number() }),
  shortNames: ['j'],
  spec: v.object({ command: v.array(v.string()), retries: v.optional(v.number(), 3) }),
  scope: 'Cluster',
  plural: 'jobs',
  kind: 'Job',
  ...names,
});
const rollout = { name: 'r', spec: { steps: [{ weight: 10 }], strategy: { type: 'all' } } } as const;

describe('an object that was read', () => {
  it('is read-only at every depth, lists included', async () => {
    const read = await createClient({ store: memoryStore() }).resource(Rollout).create(rollout);
    expectTypeOf(read.spec.steps).toEqualTypeOf<readonly { readonly weight: number; readonly pauseMs: number }[]>();
    expectTypeOf(read.spec.note).toEqualTypeOf<string | undefined>();
    const change = (): void => {
      // @ts-expect-error Lists that were read can't grow.
      read.spec.steps.push({ weight: 1, pauseMs: 0 });
      // @ts-expect-error Nor can their elements change.
      read.spec.steps[0]!.weight = 5;
      // @ts-expect-error Metadata belongs to the library.
      read.metadata.generation = 5;
      // @ts-expect-error Labels are changed by writing them.
      read.metadata.labels!.a = 'b';
    };
    expect(change).toBeTypeOf('function');
  });

  it('has the variants of a union, told apart by their tag', async () => {
    const { spec } = await createClient({ store: memoryStore() }).resource(Rollout).create(rollout);
    if (spec.strategy.type === 'rolling') expectTypeOf(spec.strategy.max).toEqualTypeOf<number>();
    // @ts-expect-error The other variant has no such field.
    expect(spec.strategy.max).toBeUndefined();
  });

  it('has conditions and observedGeneration in its status, and nothing else where the kind has no status schema', () => {
    type Status = NonNullable<ObjectOf<typeof Rollout>['status']>;
    expectTypeOf<keyof Status>().toEqualTypeOf<'conditions' | 'observedGeneration'>();
    expectTypeOf<keyof NonNullable<ObjectOf<typeof Job>['status']>>().toEqualTypeOf<
      'conditions' | 'observedGeneration' | 'exitCode'
    >();
    expectTypeOf<StatusOf<typeof Job>>().toEqualTypeOf<{ exitCode: number }>();
  });
});

describe('what is written', () => {
  it('is the input of the schema: defaults may be left out, and what was read fits as it is', async () => {
    expectTypeOf<SpecInputOf<typeof Job>>().toEqualTypeOf<{ command: string[]; retries?: number | undefined }>();
    const jobs = createClient({ store: memoryStore() }).resource(Job);
    const job = await jobs.create({ name: 'j', spec: { command: ['true'] } });
    const next = await jobs.update(job, { spec: { ...job.spec, command: [...job.spec.command, 'x'] } });
    const copy = await jobs.update({ ...next, spec: { ...next.spec, retries: 4 } });
    const again = await jobs.modify(job, ({ spec }) => ({ spec: { ...spec, retries: spec.retries + 1 } }));
    const finished = await jobs.updateStatus(again, { exitCode: 0, conditions: [] });
    expectTypeOf(finished).toEqualTypeOf<typeof copy>();
    expect(finished.spec).toEqual({ command: ['true', 'x'], retries: 5 });
  });

  it('is checked by the compiler as well as by the schema', async () => {
    const jobs = createClient({ store: memoryStore() }).resource(Job);
    const job = await jobs.create({ name: 'j', spec: { command: ['true'] } });
    const refused = (): Promise<unknown>[] => [
      // @ts-expect-error A spec has to be there.
      jobs.create({ name: 'k' }),
      // @ts-expect-error The type of a field is the schema's.
      jobs.apply({ name: 'k', spec: { command: 'true' } }),
      // @ts-expect-error A new object has no revision yet.
      jobs.create({ name: 'k', resourceVersion: '5', spec: { command: [] } }),
      // @ts-expect-error Status is not written with the rest.
      jobs.update(job, { status: { exitCode: 0 } }),
      // @ts-expect-error The status has its own schema.
      jobs.updateStatus(job, { exitCode: '0' }),
      // @ts-expect-error A list of some other kind is no reference.
      jobs.get(['j']),
    ];
    for (const refusal of refused()) await expect(refusal).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('has objects of other kinds as owners', async () => {
    const client = createClient({ store: memoryStore() });
    const owner = await client.resource(Job).create({ name: 'j', spec: { command: [] } });
    const owned = await client.resource(Rollout).apply({ ...rollout, owner });
    expect(owned.metadata.ownerReferences?.[0]?.uid).toBe(owner.metadata.uid);
  });
});

describe('an object key', () => {
  it('is a string that only objectKey makes', () => {
    const key = objectKey({ namespace: 'a', name: 'b' });
    expectTypeOf(key).toEqualTypeOf<ObjectKey>();
    expectTypeOf(key).toExtend<string>();
    // @ts-expect-error Any string is no key.
    const forged: ObjectKey = 'a/b';
    expect(key).toBe(forged);
  });
});
