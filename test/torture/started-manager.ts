import {
  type Client,
  type ControlPlane,
  type ControlPlaneOptions,
  createManager,
  defineResource,
  type Store,
} from 'setpoint';
import type { ReconcileReport } from 'setpoint/controller';
import { z } from 'zod';
import type { Cycle } from './cycle.ts';
import { rootOf } from './parties.ts';

const names = { group: 'torture.dev', version: 'v1' } as const;

/** Something to do: its status is to say what its spec does. */
export const Job = defineResource({
  ...names,
  kind: 'Job',
  plural: 'jobs',
  spec: z.object({ text: z.string() }),
  status: z.object({ text: z.string() }),
});
/** What is made for a Job. */
export const Task = defineResource({ ...names, kind: 'Task', plural: 'tasks', spec: z.object({ text: z.string() }) });

/** A manager that is ready, on a server of its row. */
export interface StartedManager {
  readonly manager: ControlPlane;
  readonly store: Store;
  /** Past the manager. */
  readonly client: Client;
  readonly reports: readonly ReconcileReport[];
  /** What is counted under this name, summed over the series that have all of these labels, such as `kind="hot"`. */
  readonly metric: (name: string, ...labels: readonly string[]) => number;
  /** Stops it; with what it ended, if with an error. */
  stop(): Promise<unknown>;
}

/** Starts one below the cycle's prefix, on the row's server unless a store is given. It is stopped with the cycle. */
export async function startManager(t: Cycle, options: Partial<ControlPlaneOptions>): Promise<StartedManager> {
  const store = options.store ?? t.store((await t.sharedEtcd()).endpoints);
  const reports: ReconcileReport[] = [];
  const onReconciled = (report: ReconcileReport): void => void reports.push(report);
  const manager = createManager({ prefix: rootOf(t), logger: t.log, onReconciled, ...options, store });
  const life = new AbortController();
  const ended = manager.run(life.signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  let taken = false;
  t.defer(async () => {
    life.abort();
    const error = await ended;
    if (error !== undefined && !taken) throw new Error('the manager failed', { cause: error });
  });
  await manager.whenReady();
  return {
    manager,
    store,
    client: manager.unsafeClient,
    reports,
    metric(name, ...labels) {
      const lines = manager.metrics.render().split('\n');
      const series = lines.filter(
        (line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)),
      );
      return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    stop() {
      taken = true;
      life.abort();
      return ended;
    },
  };
}

/** Creates jobs, all at once. */
export async function createJobs(client: Client, names: readonly string[], text = 'one'): Promise<void> {
  await Promise.all(names.map((name) => client.resource(Job).create({ name, spec: { text } })));
}

/** Whether the caches have seen that the status of each says what its spec does, and that this is `text`. */
export function allDone(manager: ControlPlane, names: readonly string[], text = 'one'): boolean {
  const { lister } = manager.informer(Job);
  return names.every((name) => {
    const job = lister.get(`default/${name}`);
    return job?.spec.text === text && job.status?.text === text;
  });
}
