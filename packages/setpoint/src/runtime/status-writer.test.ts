import { describe, expect, it } from 'vitest';
import { running, Website } from '../../../../test/harness/running-manager.ts';
import { defineController } from './define-controller.ts';

describe('status', () => {
  it('I-132: writes only what changes, and keeps the time of transition while the status of a condition stays', async () => {
    let report = { ready: 1, up: true, message: 'one' };
    const { client, clock, revision, reports } = await running([
      defineController(Website, {
        async reconcile({ status }) {
          await status(
            { ready: report.ready },
            { type: 'Up', status: report.up, reason: 'Because', message: report.message },
          );
          await status(
            { ready: report.ready },
            { type: 'Up', status: report.up, reason: 'Because', message: report.message },
          );
          return { requeueAfterMs: 60_000 };
        },
      }),
    ]);
    const websites = client.resource(Website);
    await websites.create({ name: 'a', spec: {} });
    await clock.advance(0);
    const first = await websites.get('a');
    expect(first.status).toMatchObject({
      ready: 1,
      observedGeneration: 1,
      conditions: [{ type: 'Up', status: 'True' }],
    });

    const quiet = await revision();
    await clock.advance(600_000);
    expect(reports.length).toBeGreaterThan(10);
    expect(await revision()).toBe(quiet);

    report = { ...report, message: 'uno' };
    await clock.advance(60_000);
    const second = await websites.get('a');
    expect(second.status?.conditions?.[0]).toMatchObject({ message: 'uno' });
    expect(second.status?.conditions?.[0]?.lastTransitionTime).toBe(first.status?.conditions?.[0]?.lastTransitionTime);
    report = { ...report, up: false };
    await clock.advance(60_000);
    const third = await websites.get('a');
    expect(third.status?.conditions?.[0]?.lastTransitionTime).not.toBe(
      first.status?.conditions?.[0]?.lastTransitionTime,
    );
    expect(third.metadata.generation).toBe(1);
  });

  it('keeps the conditions of others, and says which generation it looked at', async () => {
    const { client, clock } = await running(
      ['first', 'second'].map((name) =>
        defineController(Website, {
          name,
          reconcile: ({ status }) =>
            status({ ready: 0 }, { type: name, status: 'Unknown', reason: 'Looked', message: 'hm' }),
        }),
      ),
    );
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(1000);
    await client.resource(Website).modify('a', () => ({ spec: { replicas: 3 } }));
    await clock.advance(1000);
    const { status } = await client.resource(Website).get('a');
    expect(status?.conditions?.map(({ type }) => type).toSorted()).toEqual(['first', 'second']);
    expect(status?.conditions?.map((condition) => condition.observedGeneration)).toEqual([2, 2]);
    expect(status?.observedGeneration).toBe(2);
  });

  it('of an object that changed meanwhile is a Conflict, and the reconcile runs again', async () => {
    let interfere = true;
    const { client, clock, errors } = await running([
      defineController(Website, {
        async reconcile({ object, status }) {
          if (interfere) await client.resource(Website).modify('a', () => ({ spec: { replicas: 9 } }));
          interfere = false;
          await status({ ready: object.spec.replicas });
        },
      }),
    ]);
    await client.resource(Website).create({ name: 'a', spec: {} });
    await clock.advance(1000);
    expect(errors()).toMatchObject([{ code: 'Conflict' }]);
    expect((await client.resource(Website).get('a')).status).toMatchObject({ ready: 9, observedGeneration: 2 });
  });
});
