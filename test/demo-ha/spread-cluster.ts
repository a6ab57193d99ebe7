import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { processEnded, processStarted } from '../harness/leftovers.ts';

const programs = fileURLToPath(new URL('../../examples/deployment/dist/', import.meta.url));

/** The parts of the example, each a process of the operating system, by name. */
export class SpreadCluster {
  readonly #running = new Map<string, ChildProcess>();
  readonly #endpoints: string;
  /** What the parts have said, for when something goes wrong. */
  said = '';

  constructor(endpoints: readonly string[]) {
    this.#endpoints = endpoints.join(',');
  }

  start(name: string, program: string, ...programArguments: string[]): void {
    const child = spawn(process.execPath, [`${programs}${program}.js`, ...programArguments], {
      env: { ...process.env, ETCD_ENDPOINTS: this.#endpoints },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.said += `${name}: ${text}`));
    }
    this.#running.set(name, child);
    const { pid } = child;
    if (pid === undefined) return;
    processStarted(pid);
    child.once('exit', () => processEnded(pid));
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.end(name, 'SIGTERM')));
  }
}
