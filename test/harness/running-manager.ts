import {
  type ControllerDefinition,
  type ControlPlaneOptions,
  createManager,
  defineResource,
  memoryStore,
} from 'setpoint';
import type { ReconcileReport } from 'setpoint/controller';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { afterEach } from 'vitest';
import { z } from 'zod';

const names = { group: 'demo.dev', version: 'v1' } as const;

export const Website = defineResource({
  ...names,
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().default(1) }),
  status: z.object({ ready: z.int() }),
});
export const Server = defineResource({
  ...names,
  kind: 'Server',
  plural: 'servers',
  spec: z.object({ site: z.string().default('') }),
  status: z.object({ pid: z.int() }),
});
export const Zone = defineResource({ ...names, kind: 'Zone', plural: 'zones', scope: 'Cluster', spec: z.object({}) });

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A manager that is ready, on virtual time and by default a store of its own. It is stopped after the test. */
export async function running(controllers: ControllerDefinition[], options: Partial<ControlPlaneOptions> = {}) {
  const clock = new FakeClock();
  const store = options.store ?? memoryStore({ clock });
  const reports: ReconcileReport[] = [];
  const manager = createManager({
    store,
    controllers,
    clock,
    random: seededRandom(1),
    onReconciled: (report) => void reports.push(report),
    ...options,
  });
  const abort = new AbortController();
  const run = manager.run(abort.signal);
  await clock.advance(0);
  await manager.whenReady();
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  stops.push(stop);
  /** The store's newest revision. */
  const revision = async (): Promise<bigint> => (await store.range({ key: 'nothing' })).revision;
  const errors = (): unknown[] => reports.flatMap(({ outcome }) => (outcome.type === 'error' ? [outcome.error] : []));
  return { clock, store, manager, reports, errors, abort, run, stop, revision, client: manager.client };
}
