import { createClient, defineController, defineResource, memoryStore, type ObjectOf } from 'setpoint';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

/** One kind, described with two schema libraries; the types that follow have to be the same. The compiler holds these. */
const names = { group: 'demo.dev', version: 'v1' } as const;
const WithZod = defineResource({
  ...names,
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ message: z.string(), replicas: z.int().min(0).default(1) }),
  status: z.object({ ready: z.int() }),
});
const WithValibot = defineResource({
  status: v.object({ ready: v.number() }),
  spec: v.object({ message: v.string(), replicas: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1) }),
  plural: 'websites',
  kind: 'Website',
  ...names,
});
const Server = defineResource({ ...names, kind: 'Server', plural: 'servers', spec: z.object({ port: z.int() }) });

describe('the types of a definition', () => {
  it('are the schema’s output on reads, whatever library it is from and in whatever order the properties stand', () => {
    expectTypeOf<ObjectOf<typeof WithZod>['spec']>().branded.toEqualTypeOf<
      Readonly<{ message: string; replicas: number }>
    >();
    expectTypeOf<ObjectOf<typeof WithValibot>['spec']>().branded.toEqualTypeOf<ObjectOf<typeof WithZod>['spec']>();
    expectTypeOf<NonNullable<ObjectOf<typeof WithZod>['status']>['ready']>().toEqualTypeOf<number>();
    expectTypeOf<NonNullable<ObjectOf<typeof WithValibot>['status']>['ready']>().toEqualTypeOf<number>();
  });

  it.each([
    ['zod', WithZod],
    ['valibot', WithValibot],
  ])('are the schema’s input on writes, and %s’s defaults are filled in', async (_library, Website) => {
    const websites = createClient({ store: memoryStore() }).resource(Website);
    const made = await websites.create({ name: 'web', spec: { message: 'hello' } });
    expect(made.spec).toEqual({ message: 'hello', replicas: 1 });
    // @ts-expect-error A required field of the input may not be missing.
    await expect(websites.create({ name: 'none', spec: {} })).rejects.toMatchObject({ code: 'Invalid' });
    // @ts-expect-error A field has the schema's type.
    await expect(websites.create({ name: 'bad', spec: { message: 5 } })).rejects.toMatchObject({ code: 'Invalid' });
    // @ts-expect-error What was read may not be changed in place.
    expect(() => (made.spec.replicas = 2)).toBeTypeOf('function');
  });

  it('reach the reconciler: object, status, and only the owned kinds', () => {
    const controller = defineController(WithZod, {
      async reconcile({ object, owned, status, lister }) {
        expectTypeOf(object.spec.replicas).toEqualTypeOf<number>();
        expectTypeOf(owned(Server).list()[0]!.spec.port).toEqualTypeOf<number>();
        expectTypeOf(lister(WithValibot).list()[0]!.spec.message).toEqualTypeOf<string>();
        await owned(Server).apply({ name: object.metadata.name, spec: { port: 80 } });
        // @ts-expect-error The owned kind's own spec is asked for.
        await owned(Server).apply({ name: object.metadata.name, spec: { message: 'hello' } });
        // @ts-expect-error It does not own this kind.
        owned(WithValibot);
        // @ts-expect-error The status has its schema's fields.
        await status({ up: true });
        return { requeueAfterMs: 5 };
      },
      owns: [Server],
    });
    expect(controller.owns).toEqual([Server]);
  });
});
