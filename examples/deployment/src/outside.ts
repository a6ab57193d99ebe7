import { type Client, sleep, systemClock } from 'setpoint';
import { isRunning } from './agent/process-table.ts';
import { REPLICA_FAILURE } from './failures.ts';
import { Deployment, Process, ReplicaSet } from './kinds.ts';

/** What a helloworld says. */
export interface Hello {
  readonly message: string;
  readonly version: string;
  readonly name: string;
  readonly pid: number;
}

const ANSWER_MAX_MS = 1_000;
const LOOK_AGAIN_MS = 25;

/**
 * The example as somebody sees it who has no part in it: by the objects in the store, by HTTP, and by the operating
 * system's process table. Every claim of the show is checked here, and nowhere by asking the controllers.
 */
export class Outside {
  readonly #client: Client;
  readonly #runningPrograms: () => readonly number[];

  /** `runningPrograms` gives the pids of everything that agents have started and that still runs. */
  constructor(client: Client, runningPrograms: () => readonly number[]) {
    this.#client = client;
    this.#runningPrograms = runningPrograms;
  }

  async processes(): Promise<readonly Process[]> {
    return (await this.#client.resource(Process).list()).items;
  }

  /** What the process says, if it answers. */
  async hello({ status }: Process): Promise<Hello | undefined> {
    if (status?.port === undefined) return undefined;
    const abort = new AbortController();
    const patience = systemClock.setTimer(() => abort.abort(), ANSWER_MAX_MS);
    return fetch(`http://127.0.0.1:${status.port}/`, { signal: abort.signal })
      .then((response) => response.json() as Promise<Hello>)
      .catch(() => undefined)
      .finally(() => patience.cancel());
  }

  /** What all replicas say that are offered to users: those that are ready and not on their way out. */
  async hellos(): Promise<Hello[]> {
    const offered = (await this.processes()).filter(
      ({ metadata, status }) => status?.ready === true && !metadata.deletionTimestamp,
    );
    const hellos = await Promise.all(offered.map((process) => this.hello(process)));
    return hellos.filter((hello) => hello !== undefined);
  }

  /** Why it is not yet so that exactly `count` replicas of this version run, answer and are written down; else nothing. */
  async whyNot(name: string, count: number, expected: Pick<Hello, 'message' | 'version'>): Promise<string | undefined> {
    const deployment = await this.#client.resource(Deployment).find({ name });
    const status = deployment?.status;
    if (status?.observedGeneration !== deployment?.metadata.generation) return 'the controller has not seen the change';
    const counts = [status?.replicas, status?.updated, status?.ready];
    if (counts.some((each) => each !== count)) {
      const failure = status?.conditions?.find(
        ({ type, status: holds }) => type === REPLICA_FAILURE && holds === 'True',
      );
      const because = failure ? ` (${failure.reason}: ${failure.message})` : '';
      return `of ${count} replicas the status counts [existing, updated, ready] = [${counts.join(', ')}]${because}`;
    }
    const processes = await this.processes();
    if (processes.length !== count) return `there are ${processes.length} Process objects instead of ${count}`;
    for (const process of processes) {
      const hello = await this.hello(process);
      if (!hello) return `${process.metadata.name} does not answer on port ${process.status?.port}`;
      const differs = (['message', 'version'] as const).find((field) => hello[field] !== expected[field]);
      if (differs)
        return `${process.metadata.name} says ${differs} "${hello[differs]}" instead of "${expected[differs]}"`;
      if (hello.pid !== process.status?.pid)
        return `${process.metadata.name} is pid ${hello.pid}, not ${process.status?.pid}`;
    }
    return this.#whyNotRunning(processes.map(({ status: each }) => each!.pid!));
  }

  /** Why there is still something of all that was made; else nothing. `pids` are those that ever ran. */
  async whyNotGone(pids: Iterable<number>): Promise<string | undefined> {
    for (const kind of [Deployment, ReplicaSet, Process]) {
      const { items } = await this.#client.resource(kind).list();
      if (items.length > 0) return `${items.length} ${kind.plural} are left, such as ${items[0]!.metadata.name}`;
    }
    for (const pid of pids) if (isRunning(pid)) return `process ${pid} still runs`;
    return this.#whyNotRunning([]);
  }

  /** Compares with the process table. Where there is none to read, with nothing. */
  #whyNotRunning(expected: readonly number[]): string | undefined {
    if (process.platform !== 'linux') return undefined;
    const running = new Set(this.#runningPrograms());
    const missing = expected.find((pid) => !running.has(pid));
    if (missing !== undefined) return `process ${missing} is not in the process table`;
    const extra = [...running].find((pid) => !expected.includes(pid));
    return extra === undefined ? undefined : `process ${extra} runs although no object says so`;
  }
}

/** Asks again and again until there is nothing left in the way; throws with the last thing that was, when time is up. */
export async function until(
  whyNot: () => Promise<string | undefined>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = systemClock.now() + timeoutMs;
  for (;;) {
    const reason = await whyNot();
    signal.throwIfAborted();
    if (reason === undefined) return;
    if (systemClock.now() > deadline) throw new Error(`after ${timeoutMs / 1000} s ${reason}`);
    await sleep(systemClock, LOOK_AGAIN_MS, signal, { ref: true });
  }
}
