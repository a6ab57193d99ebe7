import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the built programs of examples/deployment are. */
export const built = fileURLToPath(new URL('../../examples/deployment/dist/', import.meta.url));
export const manifests = fileURLToPath(new URL('../../examples/deployment/manifests/', import.meta.url));

if (!existsSync(`${built}main.js`)) throw new Error(`${built}main.js is missing: run "npm run build" first`);

/** One program of the example as a process of its own. */
export class ExampleProgram {
  /** What it has printed, both streams. */
  output = '';
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(
    program: string,
    programArguments: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.child = spawn(process.execPath, [`${built}${program}`, ...programArguments], {
      env: { ...withoutEtcd(process.env), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.#ended = once(this.child, 'close');
  }

  /** Resolves with the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.child.exitCode ?? this.child.signalCode;
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended();
  }
}

function withoutEtcd({ ETCD_ENDPOINTS: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}
