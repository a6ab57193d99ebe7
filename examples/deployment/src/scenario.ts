import { type Client, systemClock } from 'setpoint';
import { sendSignal } from './agent/process-table.ts';
import { watchAvailability } from './availability.ts';
import { Deployment, kinds } from './kinds.ts';
import { limitsOf } from './limits.ts';
import { applyManifests, readManifestFile } from '@setpoint/cli';
import { type Outside, until } from './outside.ts';

/** What the steps of the scenario work with. */
export interface Stage {
  readonly client: Client;
  readonly outside: Outside;
  /** The file that the first step applies: one Deployment. */
  readonly manifest: string;
  readonly signal: AbortSignal;
  /** Every pid that was seen; none of them may be left at the end. */
  readonly pids: Set<number>;
}

export interface Step {
  readonly title: string;
  /** Does it and verifies it from the outside. Resolves with what was verified, rejects with what was not. */
  run(stage: Stage): Promise<string>;
}

const NAME = 'helloworld';
const V1 = { version: 'v1', message: 'hello, world' };
const V2 = { version: 'v2', message: 'hello again, world' };
const PATIENCE_MS = 15_000;

/** Create, kill, scale, roll out and back, scale down, delete. Each step starts where the one before it ended. */
export const scenario: readonly Step[] = [
  {
    title: `create ${NAME} × 3 from ${NAME}.yaml`,
    async run(stage) {
      await applyManifests(stage.client, await readManifestFile(stage.manifest, kinds));
      await settled(stage, 3, V1);
      const ports = (await stage.outside.processes()).map(({ status }) => status?.port);
      return `3 of 3 ready; each says "${V1.message}" on a port of its own: ${ports.join(', ')}`;
    },
  },
  {
    title: 'kill -9 one of them',
    async run(stage) {
      const [victim] = await stage.outside.processes();
      const { pid } = victim!.status!;
      sendSignal(pid!, 'SIGKILL');
      const killedAt = systemClock.now();
      await until(() => whyNotReplaced(stage, victim!.metadata.name, pid!), PATIENCE_MS, stage.signal);
      await settled(stage, 3, V1);
      return `process ${pid} is gone; ${victim!.metadata.name} answers again, from another process, ${secondsSince(killedAt)} s later`;
    },
  },
  {
    title: 'scale to 5',
    async run(stage) {
      await change(stage, { replicas: 5 });
      await settled(stage, 5, V1);
      return '5 of 5 ready, and each answers';
    },
  },
  {
    title: 'roll out v2',
    run: (stage) => rollOut(stage, V2),
  },
  {
    title: 'roll back to v1',
    run: (stage) => rollOut(stage, V1),
  },
  {
    title: 'scale to 1',
    async run(stage) {
      await change(stage, { replicas: 1 });
      await settled(stage, 1, V1);
      return '1 of 1 ready; the other processes have ended';
    },
  },
  {
    title: 'delete it',
    async run(stage) {
      await stage.client.resource(Deployment).delete({ name: NAME });
      await until(() => stage.outside.whyNotGone(stage.pids), PATIENCE_MS, stage.signal);
      return `its ReplicaSets and Processes are collected; none of the ${stage.pids.size} processes that ran is left`;
    },
  },
];

/** The first manifest is the start; what people do later is change a field or two. */
async function change({ client }: Stage, changes: Partial<Deployment['spec']>): Promise<void> {
  const deployments = client.resource(Deployment);
  await deployments.modify({ name: NAME }, (current) => ({ ...current, spec: { ...current.spec, ...changes } }));
}

/** Changes the version, and counts all the while how many replicas answer: never fewer than the Deployment allows. */
async function rollOut(stage: Stage, to: typeof V1): Promise<string> {
  const { spec } = await stage.client.resource(Deployment).get({ name: NAME });
  const needed = spec.replicas - limitsOf(spec).maxUnavailable;
  const over = new AbortController();
  const rolledOut = async (): Promise<void> => {
    try {
      await change(stage, { template: { ...spec.template, env: { VERSION: to.version, MESSAGE: to.message } } });
      await settled(stage, spec.replicas, to);
    } finally {
      over.abort();
    }
  };
  const watching = watchAvailability(stage.outside, needed, AbortSignal.any([over.signal, stage.signal]));
  const [{ samples, fewest }] = await Promise.all([watching, rolledOut()]);
  if (fewest < needed) throw new Error(`only ${fewest} replicas answered at one moment; ${needed} were to`);
  return `all say "${to.message}"; asked ${samples} times meanwhile, never fewer than ${fewest} of ${spec.replicas} answered`;
}

/** Waits until so many replicas of this version run, and nothing else does. */
async function settled(stage: Stage, count: number, expected: typeof V1): Promise<void> {
  await until(() => stage.outside.whyNot(NAME, count, expected), PATIENCE_MS, stage.signal);
  for (const { status } of await stage.outside.processes()) if (status?.pid !== undefined) stage.pids.add(status.pid);
}

async function whyNotReplaced({ outside }: Stage, name: string, killed: number): Promise<string | undefined> {
  const process = (await outside.processes()).find(({ metadata }) => metadata.name === name);
  if (!process) return `${name} is gone`;
  const hello = await outside.hello(process);
  if (!hello) return `${name} does not answer`;
  return hello.pid === killed ? `${name} is still process ${killed}` : undefined;
}

function secondsSince(start: number): string {
  return ((systemClock.now() - start) / 1000).toFixed(1);
}
