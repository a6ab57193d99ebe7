import { type Failure, type Launch, Replica } from './replica.ts';

/** What there is of a program right now. */
export interface Observation {
  readonly phase: 'Starting' | 'Running' | 'BackOff' | 'Stopping';
  readonly pid?: number;
  readonly port?: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** Why it last ended, while it does not run. */
  readonly failure?: Failure;
  /** When it may be started again: ask then, nobody calls when a time of waiting is over. */
  readonly againInMs?: number;
}

/** The wait before a restart: 0.5 s after the first failure, doubled by each further one, 30 s at most. */
export function restartDelayMs(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), 30_000);
}

/** Having answered for so long, a program counts as healthy: its next failure is a first one again. */
const HEALTHY_AFTER_MS = 10_000;

/** One program over all its runs: it is started again after it ended, each time after a longer wait. */
export class Program {
  #replica: Replica;
  #restarts = 0;
  #failures = 0;
  #readyAt: number | undefined;
  #exitedAt = 0;
  readonly #launch: Launch;
  readonly #onChange: () => void;
  readonly #now: () => number;

  /** Starts it. `onChange` is called after each change of what {@link Program.observe} tells; `now` is monotonic. */
  constructor(launch: Launch, onChange: () => void, now: () => number) {
    this.#launch = launch;
    this.#onChange = onChange;
    this.#now = now;
    this.#replica = this.#run();
  }

  /** Starts it again when it has ended and has waited long enough. */
  restartWhenDue(): void {
    if (this.#replica.state.phase !== 'Exited' || this.#waitMs() > 0) return;
    this.#restarts += 1;
    this.#readyAt = undefined;
    this.#replica = this.#run();
  }

  /** Resolves when it is gone. It then stays so until {@link Program.restartWhenDue} is called. */
  stop(): Promise<void> {
    return this.#replica.stop();
  }

  get running(): boolean {
    return this.#replica.state.phase !== 'Exited';
  }

  observe(): Observation {
    const { state } = this.#replica;
    const restarts = this.#restarts;
    switch (state.phase) {
      case 'Starting':
        return { phase: 'Starting', restarts, ...(state.pid !== undefined && { pid: state.pid }) };
      case 'Ready':
        return { phase: this.#replica.stopping ? 'Stopping' : 'Running', restarts, pid: state.pid, port: state.port };
      case 'Exited':
        return { phase: 'BackOff', restarts, failure: state.failure, againInMs: Math.max(this.#waitMs(), 1) };
    }
  }

  #run(): Replica {
    const replica = new Replica(this.#launch, () => {
      const { phase } = replica.state;
      if (phase === 'Ready') this.#readyAt = this.#now();
      if (phase === 'Exited') this.#countFailure();
      this.#onChange();
    });
    return replica;
  }

  #countFailure(): void {
    const healthy = this.#readyAt !== undefined && this.#now() - this.#readyAt >= HEALTHY_AFTER_MS;
    this.#failures = healthy ? 1 : this.#failures + 1;
    this.#exitedAt = this.#now();
  }

  #waitMs(): number {
    return this.#exitedAt + restartDelayMs(this.#failures) - this.#now();
  }
}
