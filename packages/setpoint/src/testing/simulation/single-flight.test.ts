import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineResource } from '../../resource/index.ts';
import { defineController } from '../../runtime/index.ts';
import { deferred } from '../../internal/deferred.ts';
import { watchSingleFlight } from './single-flight.ts';

const App = defineResource({ group: 'flight.test', version: 'v1', kind: 'App', plural: 'apps', spec: z.object({}) });

describe('the watch over single flight', () => {
  it('I-201: O9, tells of a run for an object that still has one, whichever of the three it is', async () => {
    const gate = deferred();
    const told: string[] = [];
    const definition = defineController(App, { reconcile: () => gate.promise, gone: () => {} });
    const [watched] = watchSingleFlight([definition], (message) => told.push(message));
    const context = (key: string): never => ({ key }) as never;
    const [first, second] = [watched!.reconcile(context('default/a')), watched!.reconcile(context('default/b'))];
    expect(told).toEqual([]);
    await watched!.gone!(context('default/a'));
    expect(told).toEqual(['apps is run for default/a while it still runs for it']);
    gate.resolve();
    await first;
    await second;
    await watched!.reconcile(context('default/b'));
    expect(told).toHaveLength(1);
  });

  it('passes on what a run answers and throws, and counts it as ended either way', async () => {
    const told: string[] = [];
    let fails = true;
    const definition = defineController(App, {
      reconcile: () => {
        if (fails) throw new Error('not yet');
        return { requeueAfterMs: 5 };
      },
    });
    const [watched] = watchSingleFlight([definition], (message) => told.push(message));
    const context = { key: 'default/a' } as never;
    await expect(watched!.reconcile(context)).rejects.toThrow('not yet');
    fails = false;
    expect(await watched!.reconcile(context)).toEqual({ requeueAfterMs: 5 });
    expect(watched!.finalize).toBeUndefined();
    expect(told).toEqual([]);
  });
});
