import { defineController } from 'setpoint';
import { firstFailure } from './failures.ts';
import { Process, ReplicaSet } from './kinds.ts';
import { together } from './together.ts';

/** Keeps so many Processes of one template. Each run looks at what is there and mends the difference. */
export const replicaSetController = defineController(ReplicaSet, {
  owns: [Process],
  concurrency: 32,
  async reconcile({ object, lister, owned, status, event }) {
    const processes = owned(Process);
    const kept = processes.list().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const surplus = kept.length - object.spec.replicas;

    // Created, never applied to one that is there: its spec also holds what the scheduler has decided.
    const { labels, annotations, ...spec } = object.spec.template;
    const { name: set, namespace } = object.metadata;
    const missing = freeNames(set, (name) => lister(Process).has(`${namespace}/${name}`), -surplus);
    await together(
      missing.map(async (name) => {
        await processes.create({ name, labels, annotations, spec });
        event({ reason: 'SuccessfulCreate', message: `Created process: ${name}` });
      }),
    );
    await together(
      dispensable(kept, surplus).map(async (process) => {
        await processes.delete(process);
        event({ reason: 'SuccessfulDelete', message: `Deleted process: ${process.metadata.name}` });
      }),
    );

    const ready = kept.filter((process) => process.status?.ready === true).length;
    await status({ replicas: kept.length, ready }, firstFailure(kept));
  },
});

/**
 * The first `count` names that nothing has, not even a Process that is still stopping, of whatever owner. Being counted rather than drawn
 * at random they are the same when a run is repeated after a crash, which makes creating them twice impossible.
 */
export function freeNames(set: string, isTaken: (name: string) => boolean, count: number): string[] {
  const names: string[] = [];
  for (let index = 0; names.length < count; index++) {
    const name = `${set}-${index}`;
    if (!isTaken(name)) names.push(name);
  }
  return names;
}

/** The `count` Processes that are missed least: those that don't answer, and among equals those that came last. */
export function dispensable(processes: readonly Process[], count: number): readonly Process[] {
  const usefulness = (process: Process): number => (process.status?.ready === true ? 1 : 0);
  const index = ({ metadata: { name } }: Process): number => Number(name.slice(name.lastIndexOf('-') + 1));
  return [...processes]
    .sort((a, b) => usefulness(a) - usefulness(b) || index(b) - index(a))
    .slice(0, Math.max(count, 0));
}
