import { describe, expect, it } from 'vitest';
import { running, Server, Website } from '../../../../test/harness/running-manager.ts';
import { deferred } from '../internal/deferred.ts';
import { settle } from '../internal/fake-clock.ts';
import { defineController } from './define-controller.ts';

describe('the handle to the store ends with its attempt', () => {
  const create = (name: string) => ({ name, spec: {} });

  it('F-99: a reconcile that ignores its time-out can not write any more', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock } = await running([
      defineController(Website, {
        async reconcile(context) {
          await late.promise;
          outcome = await context.client
            .resource(Server)
            .create(create('late'))
            .catch((error: unknown) => error);
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(30_000);
    late.resolve();
    await clock.advance(0);
    expect(outcome).toMatchObject({ code: 'Closed', cause: { code: 'Timeout' } });
    expect((await client.resource(Server).list()).items).toEqual([]);
  });

  it('F-99: nor one that goes on after the manager was told to stop', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock, abort, run, manager } = await running([
      defineController(Website, {
        async reconcile({ owned: _owned, status }) {
          await late.promise;
          outcome = await status({ ready: 1 }).catch((error: unknown) => error);
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(0);
    abort.abort();
    await settle();
    expect(manager.state).toBe('stopping');
    late.resolve();
    await run;
    expect(outcome).toMatchObject({ code: 'Closed' });
    expect((await client.resource(Website).get('a')).status).toBeUndefined();
  });

  it('F-99: nor what a reconcile left behind without awaiting it', async () => {
    const late = deferred();
    let outcome: unknown;
    const { client, clock } = await running([
      defineController(Website, {
        reconcile(context) {
          void late.promise
            .then(() => context.client.resource(Server).create(create('late')))
            .catch((error: unknown) => (outcome = error));
        },
      }),
    ]);
    await client.resource(Website).create(create('a'));
    await clock.advance(0);
    late.resolve();
    await clock.advance(0);
    expect(outcome).toMatchObject({ code: 'Closed' });
    expect(String(outcome)).toContain(
      "handle to the store of an attempt of controller 'websites' at default/a is over",
    );
    expect((await client.resource(Server).list()).items).toEqual([]);
  });
});
