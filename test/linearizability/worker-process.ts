import { type ChildProcess, fork } from 'node:child_process';
import { rmSync, readFileSync, truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processEnded, processStarted } from '../harness/leftovers.ts';
import { startProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import type { RecordLine } from './client.ts';
import type { WorkerOrder, WorkerSetup } from './worker.ts';

/** What all processes of a worker have in common. */
type Common = Omit<WorkerSetup, 'endpoint' | 'seed' | 'worker'>;

/** Beside this file, once compiled. */
const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url));

/** A worker, its own bad network, and its record. It may be killed; a new process then takes its place. */
export class WorkerProcess {
  readonly name: string;
  readonly proxy: TcpProxy;
  readonly #setup: Common;
  readonly #program: string;
  #process: ChildProcess | undefined;
  #starts = 0;
  #idle = (): void => {};
  /** Set where it ended without being told to. */
  #broke: string | undefined;
  #expected = false;

  private constructor(name: string, proxy: TcpProxy, setup: Common, program: string) {
    this.name = name;
    this.proxy = proxy;
    this.#setup = setup;
    this.#program = program;
  }

  static async start(
    name: string,
    target: string,
    { seed, program = PROGRAM, ...setup }: Common & { readonly seed: number; readonly program?: string },
  ): Promise<WorkerProcess> {
    const worker = new WorkerProcess(name, await startProxy(target), setup, program);
    try {
      await worker.launch(seed);
      return worker;
    } catch (error) {
      await worker.dispose();
      throw error;
    }
  }

  get running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  /** Resolves when a new process is ready for orders; rejects when it ends before that. */
  async launch(seed: number): Promise<void> {
    const worker = `${this.name}x${this.#starts++}`;
    const setup: WorkerSetup = { ...this.#setup, worker, endpoint: this.proxy.endpoint, seed };
    const started = fork(this.#program, [JSON.stringify(setup)]);
    this.#process = started;
    this.#expected = false;
    const pid = started.pid!;
    processStarted(pid);
    const ready = new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve());
      started.on('exit', (code, signal) => {
        processEnded(pid);
        const how = `worker ${worker} ended by itself with ${signal ?? `code ${code}`}`;
        if (!this.#expected) this.#broke = how;
        this.#idle();
        reject(new Error(how));
      });
    });
    await ready;
    started.on('message', (message) => {
      if (message === 'idle') this.#idle();
    });
  }

  tell(order: WorkerOrder): void {
    // One that is killed just now need not hear it.
    if (this.running) this.#process!.send(order, () => {});
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.#expected = true;
    this.#process?.kill(signal);
  }

  /** Resolves when nothing is under way in it any more, or when it has ended. */
  async finish(): Promise<void> {
    if (this.running) {
      const idle = new Promise<void>((resolve) => (this.#idle = resolve));
      this.tell({ finish: true });
      await idle;
    }
    if (this.#broke !== undefined) throw new Error(this.#broke);
  }

  /** What was recorded since the last time. */
  takeRecord(): RecordLine[] {
    const lines = readFileSync(this.#setup.record, 'utf8').split('\n');
    truncateSync(this.#setup.record);
    return lines.filter(Boolean).map((line) => JSON.parse(line) as RecordLine);
  }

  async dispose(): Promise<void> {
    this.signal('SIGKILL');
    await this.proxy.dispose();
    rmSync(this.#setup.record, { force: true });
  }
}
