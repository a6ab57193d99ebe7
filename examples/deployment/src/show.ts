import { REPLICA_FAILURE } from './failures.ts';
import type { Process } from './kinds.ts';
import type { Stage, Step } from './scenario.ts';
import type { ReplicaLine, Screen, StepLine } from './screen.ts';

/** What the show needs of the cache of Processes. */
interface Processes {
  readonly lister: { list(): readonly Process[] };
  addEventHandler(handler: { add(): void; update(): void; delete(): void }): unknown;
}

/** Plays steps before an audience: says which one runs, how each ended, and what the replicas are doing all the while. */
export class Show {
  readonly #screen: Screen;
  readonly #processes: Processes;
  readonly #headline: string;
  readonly #steps: StepLine[] = [];

  constructor(headline: string, screen: Screen, processes: Processes) {
    this.#headline = headline;
    this.#screen = screen;
    this.#processes = processes;
    const draw = (): void => this.draw();
    processes.addEventHandler({ add: draw, update: draw, delete: draw });
  }

  /** Plays all steps, or up to the first that does not hold, which it rejects with. */
  async play(steps: readonly Step[], stage: Stage): Promise<void> {
    for (const step of steps) {
      const { title } = step;
      const index = this.#steps.push({ title, state: 'running', detail: '' }) - 1;
      this.draw();
      try {
        this.#steps[index] = { title, state: 'done', detail: await step.run(stage) };
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#steps[index] = { title, state: 'failed', detail };
        throw new Error(`the step "${title}" does not hold: ${detail}`, { cause: error });
      } finally {
        this.draw();
      }
    }
  }

  draw(): void {
    const replicas = [...this.#processes.lister.list()].sort(byName).map(lineOf);
    this.#screen.show({ headline: this.#headline, steps: this.#steps, replicas });
  }
}

function lineOf({ metadata, spec, status }: Process): ReplicaLine {
  const failed = status?.conditions?.some(({ type, status: holds }) => type === REPLICA_FAILURE && holds === 'True');
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: metadata.name,
    node: spec.nodeName ?? '',
    phase: metadata.deletionTimestamp === undefined ? (status?.phase ?? 'Pending') : 'Stopping',
    pid: String(status?.pid ?? ''),
    port: String(status?.port ?? ''),
    restarts: String(status?.restarts ?? ''),
    version: spec.env['VERSION'] ?? '',
    note: failed ? (ready?.message ?? '') : '',
  };
}

function byName(a: Process, b: Process): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
