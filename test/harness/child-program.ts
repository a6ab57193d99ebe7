import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processEnded, processStarted } from './leftovers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A Node process of its own, and what it says. It ends with this process at the latest. */
export class ChildProgram {
  /** What it has printed, both streams. */
  output = '';
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #over = false;

  /** `argv` is what follows `node`; it runs in the root of the tree, where the built packages are found by their names. */
  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    const { pid } = this.child;
    if (pid !== undefined) processStarted(pid);
    this.#ended = once(this.child, 'close').then(() => {
      this.#over = true;
      if (pid !== undefined) processEnded(pid);
    });
  }

  /** One that runs `source`, an ES module. */
  static of(source: string, env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): ChildProgram {
    return new ChildProgram([...flags, '--input-type=module', '-e', source], { ...process.env, ...env });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.child.exitCode ?? this.child.signalCode;
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    if (this.running) this.child.kill(signal);
    return this.ended();
  }

  /** Waits until it has printed `text`; throws what it printed instead when it ends, or after `withinMs`. */
  async says(text: string, withinMs = 60_000): Promise<void> {
    const end = performance.now() + withinMs;
    while (!this.output.includes(text)) {
      if (this.#over || performance.now() > end) {
        throw new Error(`it did not say "${text}", but: ${this.output.slice(-2000)}`);
      }
      await wait(10);
    }
  }
}
