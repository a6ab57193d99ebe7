import type { Clock } from 'setpoint';
import type { LogBuffer } from './log-buffer.ts';
import { type Observation, Program } from './program.ts';
import type { Launch } from './replica.ts';

/** A program that is to run, and under which identity: another identity under the same key replaces the program. */
export interface Wanted {
  readonly identity: string;
  readonly launch: Launch;
}

/**
 * The programs of one agent, by key. It is level-triggered: `ensure` is told what is wanted as often as one likes,
 * starts what isn't there, and says how things stand. A program that ended is started again by the first `ensure`
 * after its wait, never sooner.
 */
export class Supervisor {
  readonly #programs = new Map<string, { readonly identity: string; readonly program: Program }>();
  readonly #clock: Clock;
  readonly #onChange: (key: string) => void;
  #closed = false;

  /** `onChange` is called with the key of each program about which there is something new. */
  constructor(clock: Clock, onChange: (key: string) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Sees to it that `wanted` runs under `key`. Never waits; a program that can't run is an observation, no error. */
  ensure(key: string, { identity, launch }: Wanted): Observation {
    const current = this.#programs.get(key);
    if (this.#closed) return { phase: 'Stopping', ready: false, restarts: current?.program.observe().restarts ?? 0 };
    if (current?.identity === identity) {
      current.program.restartWhenDue();
      return current.program.observe();
    }
    if (current?.program.running) {
      void current.program.stop();
      return current.program.observe();
    }
    const program = new Program(launch, this.#clock, () => this.#onChange(key));
    this.#programs.set(key, { identity, program });
    return program.observe();
  }

  /** Whether there is a program under `key`, running or about to. */
  has(key: string): boolean {
    return this.#programs.has(key);
  }

  /** What the program of `key` has said; undefined when there is none, or none before. */
  logs(key: string, previous: boolean): LogBuffer | undefined {
    return this.#programs.get(key)?.program.logs(previous);
  }

  /** Ends the program of `key`; resolves when it is gone. Without one there is nothing to do. */
  async stop(key: string): Promise<void> {
    const current = this.#programs.get(key);
    await current?.program.stop();
    if (this.#programs.get(key) === current) this.#programs.delete(key);
  }

  /** Ends all programs. From then on nothing is started any more, whatever is wanted. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#programs.values(), ({ program }) => program.stop()));
  }
}
