import { type Observation, Program } from './program.ts';
import type { Launch } from './replica.ts';

/** A program that is to run, and under which identity: another identity under the same key replaces the program. */
export interface Wanted {
  readonly identity: string;
  readonly launch: Launch;
}

export interface SupervisorOptions {
  /** Called with the key of a program about which there is something new. */
  readonly onChange: (key: string) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * The programs of one agent, by key. It is level-triggered: `ensure` is told what is wanted as often as one likes,
 * starts what isn't there, and says how things stand. A program that ended is started again by the first `ensure`
 * after its wait, never sooner.
 */
export class Supervisor {
  readonly #programs = new Map<string, { readonly identity: string; readonly program: Program }>();
  readonly #onChange: (key: string) => void;
  readonly #now: () => number;
  #closed = false;

  constructor({ onChange, now = () => performance.now() }: SupervisorOptions) {
    this.#onChange = onChange;
    this.#now = now;
  }

  /** Sees to it that `wanted` runs under `key`. Never waits; a program that can't run is an observation, no error. */
  ensure(key: string, { identity, launch }: Wanted): Observation {
    if (this.#closed) throw new Error('the agent is stopping and starts nothing any more');
    const current = this.#programs.get(key);
    if (current?.identity === identity) {
      current.program.restartWhenDue();
      return current.program.observe();
    }
    if (current?.program.running) {
      void current.program.stop();
      return current.program.observe();
    }
    const program = new Program(launch, () => this.#onChange(key), this.#now);
    this.#programs.set(key, { identity, program });
    return program.observe();
  }

  /** Ends the program of `key`; resolves when it is gone. Without one there is nothing to do. */
  async stop(key: string): Promise<void> {
    const current = this.#programs.get(key);
    await current?.program.stop();
    if (this.#programs.get(key) === current) this.#programs.delete(key);
  }

  /** Ends all programs; nothing starts any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#programs.keys()].map((key) => this.stop(key)));
  }
}
