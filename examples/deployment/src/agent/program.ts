import type { Clock } from 'setpoint';
import { type Failure, type Launch, Replica } from './replica.ts';

/** What there is of a program right now. */
export interface Observation {
  readonly phase: 'Starting' | 'Running' | 'BackOff' | 'Stopping';
  readonly pid?: number;
  readonly port?: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** Why it last ended; kept until it is ready again, so that a crash loop does not look well between two crashes. */
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
  #failure: Failure | undefined;
  #readyAt: number | undefined;
  #exitedAt = 0;
  readonly #launch: Launch;
  readonly #clock: Clock;
  readonly #onChange: () => void;

  /** Starts it. `onChange` is called after each change of what {@link Program.observe} tells. */
  constructor(launch: Launch, clock: Clock, onChange: () => void) {
    this.#launch = launch;
    this.#clock = clock;
    this.#onChange = onChange;
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
    const { state, stopping } = this.#replica;
    const known = { restarts: this.#restarts, ...(this.#failure && { failure: this.#failure }) };
    switch (state.phase) {
      case 'Starting':
        return { phase: stopping ? 'Stopping' : 'Starting', ...known, ...(state.pid && { pid: state.pid }) };
      case 'Ready':
        return { phase: stopping ? 'Stopping' : 'Running', ...known, pid: state.pid, port: state.port };
      case 'Exited':
        return { phase: 'BackOff', ...known, againInMs: Math.max(this.#waitMs(), 1) };
    }
  }

  #run(): Replica {
    const replica = new Replica(this.#launch, this.#clock, () => {
      const { state } = replica;
      if (state.phase === 'Ready') this.#noteReady();
      if (state.phase === 'Exited') this.#noteFailure(state.failure);
      this.#onChange();
    });
    return replica;
  }

  #noteReady(): void {
    this.#readyAt = this.#clock.now();
    this.#failure = undefined;
  }

  #noteFailure(failure: Failure): void {
    const healthy = this.#readyAt !== undefined && this.#clock.now() - this.#readyAt >= HEALTHY_AFTER_MS;
    this.#failures = healthy ? 1 : this.#failures + 1;
    this.#failure = failure;
    this.#exitedAt = this.#clock.now();
  }

  #waitMs(): number {
    return this.#exitedAt + restartDelayMs(this.#failures) - this.#clock.now();
  }
}
