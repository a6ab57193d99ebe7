import { type ChildProcess, fork } from 'node:child_process';
import { rmSync, readFileSync, truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processEnded, processStarted } from '../harness/leftovers.ts';
import { startProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import type { RecordLine } from './client.ts';
import type { WorkerOrder, WorkerSetup } from './worker.ts';

/** What all processes of a worker have in common. */
type Common = Omit<WorkerSetup, 'endpoint' | 'seed' | 'worker'>;

/** A worker, its own bad network, and its record. It may be killed; a new process then takes its place. */
export class WorkerProcess {
  readonly name: string;
  readonly proxy: TcpProxy;
  readonly #setup: Common;
  #process: ChildProcess | undefined;
  #starts = 0;
  #idle = (): void => {};
  /** Set where it ended without being told to. */
  #broke: string | undefined;
  #expected = false;

  private constructor(name: string, proxy: TcpProxy, setup: Common) {
    this.name = name;
    this.proxy = proxy;
    this.#setup = setup;
  }

  static async start(name: string, target: string, setup: Common, seed: number): Promise<WorkerProcess> {
    const worker = new WorkerProcess(name, await startProxy(target), setup);
    await worker.launch(seed);
    return worker;
  }

  get running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }

  async launch(seed: number): Promise<void> {
    const worker = `${this.name}x${this.#starts++}`;
    const setup: WorkerSetup = { ...this.#setup, worker, endpoint: this.proxy.endpoint, seed };
    const started = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [JSON.stringify(setup)]);
    this.#process = started;
    this.#expected = false;
    const pid = started.pid!;
    processStarted(pid);
    started.on('exit', (code) => {
      processEnded(pid);
      if (!this.#expected) this.#broke = `worker ${worker} ended by itself with code ${code}`;
      this.#idle();
    });
    await new Promise((resolve) => started.once('message', resolve));
    started.on('message', (message) => {
      if (message === 'idle') this.#idle();
    });
  }

  tell(order: WorkerOrder): void {
    if (this.running) this.#process!.send(order);
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
