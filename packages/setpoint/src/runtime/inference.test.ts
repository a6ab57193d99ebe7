import { describe, expectTypeOf, it } from 'vitest';
import * as valibot from 'valibot';
import { z } from 'zod';
import type { ResourceClient } from '../client/index.ts';
import { defineResource, type ObjectKey, type ObjectOf } from '../resource/index.ts';
import type { ControllerDefinition } from './define-controller.ts';
import { defineController } from './define-controller.ts';

const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().default(1), tags: z.array(z.string()).default([]) }),
  status: z.object({ ready: z.int() }),
});
const Server = defineResource({
  status: valibot.object({ pid: valibot.number() }),
  spec: valibot.object({ message: valibot.string() }),
  plural: 'servers',
  kind: 'Server',
  version: 'v1',
  group: 'demo.dev',
});

/** Checked by the compiler; running them proves nothing. */
describe('the types of a controller follow from its definitions', () => {
  it('object, status, owned and lister, with reconcile last', () => {
    const controller = defineController(Website, {
      owns: [Server],
      async reconcile({ object, owned, lister, status, key, client }) {
        expectTypeOf(object.spec.replicas).toEqualTypeOf<number>();
        expectTypeOf(object.spec.tags).toEqualTypeOf<readonly string[]>();
        expectTypeOf(object.status?.ready).toEqualTypeOf<number | undefined>();
        expectTypeOf(key).toEqualTypeOf<ObjectKey>();
        expectTypeOf(owned(Server).list()[0]!.spec.message).toEqualTypeOf<string>();
        expectTypeOf(lister(Server).get('x')).toEqualTypeOf<ObjectOf<typeof Server> | undefined>();
        expectTypeOf(lister(Website).list()[0]!.spec.replicas).toEqualTypeOf<number>();
        expectTypeOf(client.resource(Server)).toEqualTypeOf<ResourceClient<typeof Server>>();
        const server = await owned(Server).apply({ name: 'x', spec: { message: 'hi' } });
        expectTypeOf(server.status?.pid).toEqualTypeOf<number | undefined>();
        await status({ ready: 1 });
        // @ts-expect-error -- a status is the kind's
        await status({ reddy: 1 });
        // @ts-expect-error -- a spec is the owned kind's
        await owned(Server).apply({ name: 'x', spec: { massage: 'hi' } });
        // @ts-expect-error -- websites are not owned here
        owned(Website);
      },
    });
    expectTypeOf(controller).toEqualTypeOf<ControllerDefinition>();
  });

  it('and with reconcile first, and watches before owns', () => {
    defineController(Website, {
      reconcile: ({ object, owned }) => {
        expectTypeOf(object.spec.replicas).toEqualTypeOf<number>();
        expectTypeOf(owned(Server).list()[0]!.spec.message).toEqualTypeOf<string>();
        return { requeueAfterMs: 5 };
      },
      finalize: ({ owned }) => {
        expectTypeOf(owned(Server).list()[0]!.spec.message).toEqualTypeOf<string>();
      },
      predicates: [({ object }) => object.spec.replicas > 0],
      watches: [
        {
          map: (server) => {
            expectTypeOf(server.spec.message).toEqualTypeOf<string>();
            return [{ name: server.spec.message }];
          },
          resource: Server,
        },
        { resource: Website, map: ({ spec }) => (spec.replicas > 1 ? ['a/b'] : []) },
      ],
      owns: [Server],
    });
  });

  it('without owns nothing is owned, and results are checked', () => {
    defineController(Website, {
      reconcile: ({ owned }) => {
        // @ts-expect-error -- nothing is owned
        owned(Server);
      },
    });
    defineController(Website, {
      // @ts-expect-error -- a misspelt result
      reconcile: () => ({ requeueAfter: 5 }),
    });
  });
});
