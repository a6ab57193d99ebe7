import { type } from 'arktype';
import { child, createClient, defineController, defineResource, memoryStore, type ObjectOf } from 'setpoint';
import type { SpecInputOf, SpecOf, StatusOf } from 'setpoint/resource';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

/** One kind, described in three libraries. All of them must give the same types, in whatever order the options stand. */
const names = { group: 'demo.dev', version: 'v1' } as const;
const WithZod = defineResource({
  ...names,
  kind: 'Zod',
  plural: 'zods',
  spec: z.object({ replicas: z.int().default(1), message: z.string() }),
  status: z.object({ ready: z.int() }),
});
const WithValibot = defineResource({
  status: v.object({ ready: v.number() }),
  spec: v.object({ replicas: v.optional(v.number(), 1), message: v.string() }),
  ...names,
  kind: 'Valibot',
  plural: 'valibots',
});
const WithArktype = defineResource({
  spec: type({ replicas: 'number = 1', message: 'string' }),
  ...names,
  kind: 'Arktype',
  plural: 'arktypes',
  status: type({ ready: 'number' }),
});

const Stranger = defineResource({
  ...names,
  kind: 'Stranger',
  plural: 'strangers',
  spec: z.object({ other: z.string() }),
});

interface Spec {
  replicas: number;
  message: string;
}

describe('definitions', () => {
  it('have the spec, its input and the status of their schemas', () => {
    expectTypeOf<SpecOf<typeof WithZod>>().toEqualTypeOf<Spec>();
    expectTypeOf<SpecOf<typeof WithValibot>>().toEqualTypeOf<Spec>();
    expectTypeOf<SpecOf<typeof WithArktype>>().toEqualTypeOf<Spec>();
    expectTypeOf<Pick<SpecInputOf<typeof WithZod>, 'message'>>().toEqualTypeOf<{ message: string }>();
    expectTypeOf<{ message: string }>().toExtend<SpecInputOf<typeof WithValibot>>();
    expectTypeOf<{ message: string }>().toExtend<SpecInputOf<typeof WithArktype>>();
    expectTypeOf<StatusOf<typeof WithArktype>>().toEqualTypeOf<{ ready: number }>();
    expectTypeOf<StatusOf<typeof WithValibot>>().toEqualTypeOf<StatusOf<typeof WithZod>>();
  });

  it.each([WithZod, WithValibot, WithArktype])('fill in defaults and refuse what does not fit: $kind', async (kind) => {
    const objects = createClient({ store: memoryStore() }).resource(kind as typeof WithZod);
    const made = await objects.create({ name: 'a', spec: { message: 'm' } });
    expectTypeOf(made).toEqualTypeOf<ObjectOf<typeof WithZod>>();
    expect(made.spec).toEqual({ replicas: 1, message: 'm' });
    const wrong = objects.create({ name: 'b', spec: { message: 5 as never } });
    await expect(wrong).rejects.toMatchObject({ code: 'Invalid', details: { path: 'spec.message' } });
  });
});

describe('the compiler', () => {
  it('refuses a wrong status, an unknown owned kind and a missing field of a spec', () => {
    const controller = defineController(WithArktype, {
      owns: [WithValibot],
      async reconcile({ object, owned, apply, status }) {
        expectTypeOf(object.spec.replicas).toEqualTypeOf<number>();
        await owned(WithValibot).apply({ name: 'x', spec: { message: object.spec.message } });
        await apply([
          child(WithValibot, { name: 'x', spec: { message: 'm' }, ready: ({ status: s }) => s?.ready === 1 }),
        ]);
        await status({ ready: 1 });
        // @ts-expect-error The status has another field.
        await status({ raedy: 1 });
        // @ts-expect-error The status is a number.
        await status({ ready: '1' });
        // @ts-expect-error The kind is not owned.
        owned(Stranger);
        // @ts-expect-error The spec lacks its message.
        await owned(WithValibot).apply({ name: 'x', spec: {} });
        // @ts-expect-error So does the child's.
        await apply([child(WithZod, { name: 'x', spec: { replicas: 1 } })]);
      },
    });
    expect(controller.name).toBe('arktypes');
  });

  it('knows what patches and fields to apply may say', () => {
    const objects = createClient({ store: memoryStore() }).resource(WithZod);
    const calls = (): unknown[] => [
      objects.patch('a', { spec: { replicas: 2 }, metadata: { labels: { a: null } } }),
      objects.patch('a', { status: { ready: 1 } }, { subresource: 'status' }),
      objects.applyFields({ name: 'a', spec: { replicas: 2 } }, { manager: 'm' }),
      // @ts-expect-error A number.
      objects.patch('a', { spec: { replicas: '2' } }),
      // @ts-expect-error No client decides it.
      objects.patch('a', { metadata: { uid: 'x' } }),
      // @ts-expect-error Who applies has to say so.
      objects.applyFields({ name: 'a', spec: {} }, {}),
      // @ts-expect-error There is no such field.
      objects.applyFields({ name: 'a', spec: { replcas: 1 } }, { manager: 'm' }),
    ];
    expect(calls).toBeTypeOf('function');
  });
});
