import type { Clock } from 'setpoint';
import type { LogBuffer } from './log-buffer.ts';
import { keepProbing, type Probe, type ProbeResult } from './prober.ts';
import { type Failure, type Launch, Replica } from './replica.ts';

/** What there is of a program right now. */
export interface Observation {
  readonly phase: 'Starting' | 'Running' | 'BackOff' | 'Stopping' | 'Completed' | 'Failed';
  /** Whether it may get requests: it runs, and its readiness probe, if it has one, succeeds. */
  readonly ready: boolean;
  /** Why it runs and isn't ready. */
  readonly unready?: string;
  readonly load?: number;
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
  #previousLogs: LogBuffer | undefined;
  /** Ends the probes of the present run. */
  #probing = new AbortController();
  #readiness: ProbeResult = { healthy: false, why: 'its readiness probe has not succeeded yet' };
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
    if (this.#replica.state.phase !== 'Exited' || this.#isOver() || this.#waitMs() > 0) return;
    this.#restarts += 1;
    this.#readyAt = undefined;
    this.#previousLogs = this.#replica.logs;
    this.#replica = this.#run();
  }

  /** Resolves when it is gone. It then stays so until {@link Program.restartWhenDue} is called. */
  stop(): Promise<void> {
    return this.#replica.stop();
  }

  get running(): boolean {
    return this.#replica.state.phase !== 'Exited';
  }

  /** What this run has said, or the one before it. */
  logs(previous: boolean): LogBuffer | undefined {
    return previous ? this.#previousLogs : this.#replica.logs;
  }

  observe(): Observation {
    const { state, stopping } = this.#replica;
    const known = { restarts: this.#restarts, ready: false, ...(this.#failure && { failure: this.#failure }) };
    switch (state.phase) {
      case 'Starting':
        return { phase: stopping ? 'Stopping' : 'Starting', ...known, ...(state.pid && { pid: state.pid }) };
      case 'Ready': {
        const { pid, port } = state;
        if (stopping) return { phase: 'Stopping', ...known, pid, port };
        const { load } = this.#replica;
        const { healthy, why } = this.#readiness;
        const rest = { pid, port, ...(load !== undefined && { load }), ...(!healthy && { unready: why }) };
        return { phase: 'Running', ...known, ...rest, ready: healthy };
      }
      case 'Exited':
        if (this.#isOver()) return { phase: state.succeeded ? 'Completed' : 'Failed', ...known };
        return { phase: 'BackOff', ...known, againInMs: Math.max(this.#waitMs(), 1) };
    }
  }

  /** Whether its restart policy leaves it ended. */
  #isOver(): boolean {
    const { state } = this.#replica;
    const { restartPolicy = 'Always' } = this.#launch;
    if (state.phase !== 'Exited' || restartPolicy === 'Always') return false;
    return restartPolicy === 'Never' || state.succeeded;
  }

  #run(): Replica {
    const replica = new Replica(this.#launch, this.#clock, () => {
      const { state } = replica;
      if (state.phase === 'Ready' && this.#readyAt === undefined) this.#noteReady(replica, state.port);
      if (state.phase === 'Exited') this.#noteExit(state.failure, state.succeeded);
      this.#onChange();
    });
    return replica;
  }

  #probe(probe: Probe | undefined, port: number, onResult: (result: ProbeResult) => void): void {
    if (probe) void keepProbing({ probe, port, clock: this.#clock, onResult }, this.#probing.signal);
  }

  #noteReady(replica: Replica, port: number): void {
    this.#readyAt = this.#clock.now();
    const { readinessProbe, livenessProbe } = this.#launch;
    this.#probing = new AbortController();
    if (readinessProbe === undefined) this.#noteReadiness({ healthy: true, why: '' });
    this.#probe(readinessProbe, port, (result) => {
      this.#noteReadiness(result);
      this.#onChange();
    });
    this.#probe(livenessProbe, port, ({ healthy, why }) => {
      if (healthy) return;
      replica.condemn({ reason: 'Unhealthy', message: `its liveness probe failed: ${why}` });
      this.#onChange();
    });
  }

  #noteReadiness(result: ProbeResult): void {
    this.#readiness = result.healthy ? result : { ...result, why: `its readiness probe failed: ${result.why}` };
    if (result.healthy) this.#failure = undefined;
  }

  #noteExit(failure: Failure, succeeded: boolean): void {
    this.#probing.abort();
    this.#readiness = { healthy: false, why: 'its readiness probe has not succeeded yet' };
    const healthy = this.#readyAt !== undefined && this.#clock.now() - this.#readyAt >= HEALTHY_AFTER_MS;
    this.#failures = healthy ? 1 : this.#failures + 1;
    this.#failure = succeeded && this.#launch.restartPolicy !== 'Always' && this.#isOver() ? undefined : failure;
    this.#exitedAt = this.#clock.now();
  }

  #waitMs(): number {
    return this.#exitedAt + restartDelayMs(this.#failures) - this.#clock.now();
  }
}
