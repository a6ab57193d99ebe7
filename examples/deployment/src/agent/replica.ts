import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from 'setpoint';
import type { Probe } from './prober.ts';
import { LogBuffer } from './log-buffer.ts';
import { hearNews, NEWS_ENVIRONMENT } from './news.ts';
import { sendSignal } from './process-table.ts';

/** What to run. */
export interface Launch {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** The whole environment of the program: nothing else is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** A program that hasn't said within so long that it is ready is killed. */
  readonly readyTimeoutMs: number;
  /** How long it may take to stop after SIGTERM, before SIGKILL. */
  readonly stopGraceMs: number;
  /** Default Always. */
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly readinessProbe?: Probe | undefined;
  readonly livenessProbe?: Probe | undefined;
}

/** Why a program is not running: a CamelCase word for machines and a sentence for people. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
}

export type ReplicaState =
  | { readonly phase: 'Starting'; readonly pid: number | undefined }
  | { readonly phase: 'Ready'; readonly pid: number; readonly port: number }
  | { readonly phase: 'Exited'; readonly failure: Failure; readonly succeeded: boolean };

/** The end of what a program wrote to stderr is kept to tell why it died. */
const STDERR_KEPT = 300;
/** Of a reason that a program gives itself. */
const REASON_KEPT = 64;
/** Its last words may arrive after its exit, but a grandchild that holds the pipe open must not delay the news. */
const LAST_WORDS_MS = 300;

/**
 * One run of one program as an operating-system process. It starts at construction, goes through the states of
 * {@link ReplicaState} in their order, and never comes back from `Exited`: who wants it again makes a new one.
 */
export class Replica {
  /** Resolves when the process and all that it started are gone. Never rejects. */
  readonly #gone: Promise<void>;
  /** What it says, on both streams. */
  readonly logs = new LogBuffer();
  /** How busy it last said it was. */
  load: number | undefined;
  #state: ReplicaState;
  #stopping = false;
  #stderr = '';
  /** What the program said, or we decided, about its end before it came. */
  #verdict: Failure | undefined;
  /** Undefined when it was refused before there was any. */
  readonly #child: ChildProcess | undefined;
  readonly #launch: Launch;
  readonly #clock: Clock;

  /** `onChange` is called after each change of `state`. */
  constructor(launch: Launch, clock: Clock, onChange: () => void) {
    this.#launch = launch;
    this.#clock = clock;
    const started = start(launch);
    this.#child = started instanceof Error ? undefined : started;
    this.#state = { phase: 'Starting', pid: this.#child?.pid };
    hearNews(this.#child, (news) => {
      this.#hear(news);
      if (this.#state.phase === 'Ready') onChange();
    });
    this.#child?.stdout?.setEncoding('utf8').on('data', (text: string) => this.logs.add(text));
    this.#child?.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.logs.add(text);
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    const patience = clock.setTimer(() => this.#giveUp(), launch.readyTimeoutMs);
    const ended = started instanceof Error ? Promise.resolve(neverStarted(launch, started)) : this.#end(started);
    this.#gone = ended.then((failure) => {
      patience.cancel();
      this.logs.end();
      // What escaped into a group of its own may hold the other ends for ever.
      for (const stream of this.#child?.stdio ?? []) stream?.destroy();
      const succeeded = this.#verdict === undefined && this.#child?.exitCode === 0;
      this.#state = { phase: 'Exited', failure: this.#verdict ?? failure, succeeded };
      onChange();
    });
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Whether it was asked to stop and hasn't yet. */
  get stopping(): boolean {
    return this.#stopping && this.#state.phase !== 'Exited';
  }

  /** Asks it to stop, makes it stop after the grace, and resolves when it is gone. May be called many times. */
  async stop(): Promise<void> {
    if (!this.#stopping && this.#state.phase !== 'Exited') {
      this.#stopping = true;
      this.#verdict ??= { reason: 'Stopped', message: 'it was asked to stop' };
      this.#signal('SIGTERM');
      const force = this.#clock.setTimer(() => this.#signal('SIGKILL'), this.#launch.stopGraceMs);
      void this.#gone.then(() => force.cancel());
    }
    await this.#gone;
  }

  /** Ends it because something is wrong with it, which becomes the reason of its end. */
  condemn(failure: Failure): void {
    this.#verdict ??= failure;
    void this.stop();
  }

  #hear({ type, port, reason, message, value }: Readonly<Record<string, unknown>>): void {
    if (type === 'load' && typeof value === 'number') this.load = value;
    if (this.#state.phase !== 'Starting') return;
    if (type === 'failed') {
      const why = { reason: String(reason).slice(0, REASON_KEPT), message: String(message).slice(0, STDERR_KEPT) };
      this.#verdict ??= why;
    } else if (type === 'ready' && this.#child?.pid !== undefined) {
      if (isPort(port)) this.#state = { phase: 'Ready', pid: this.#child.pid, port };
      else this.condemn({ reason: 'InvalidPort', message: 'it said that it is ready on a port that there is not' });
    }
  }

  #giveUp(): void {
    if (this.#state.phase !== 'Starting') return;
    const message = `it did not say within ${this.#launch.readyTimeoutMs} ms that it is ready`;
    this.#verdict ??= { reason: 'NotReadyInTime', message };
    this.#signal('SIGKILL');
  }

  /** Resolves at the end of the process, with what the operating system says about it. */
  #end(child: ChildProcess): Promise<Failure> {
    return new Promise((resolve) => {
      child.once('error', (error) => {
        // A child without a pid was never there. Other errors (a signal not sent) say nothing about its life.
        if (child.pid === undefined) resolve(neverStarted(this.#launch, error));
      });
      child.once('exit', (code, signal) => {
        this.#signal('SIGKILL'); // what it started itself and left
        const end = (): void => resolve(died(code, signal, this.#stderr.trim()));
        const waiting = this.#clock.setTimer(end, LAST_WORDS_MS);
        child.once('close', () => {
          waiting.cancel();
          end();
        });
      });
    });
  }

  /** To the whole process group. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#child?.pid !== undefined) sendSignal(-this.#child.pid, signal);
  }
}

/**
 * Detached makes the program the leader of a process group, so that what it starts can be stopped with it. Some programs
 * Node refuses here, others it tells of later: neither may end the agent.
 */
function start({ command: [program = '', ...programArguments], directory, env }: Launch): ChildProcess | Error {
  try {
    const stdio = ['ignore', 'pipe', 'pipe', 'pipe'] as const;
    return spawn(program, programArguments, {
      cwd: directory,
      env: { ...env, ...NEWS_ENVIRONMENT },
      stdio: [...stdio],
      detached: true,
    });
  } catch (error) {
    return error as Error;
  }
}

function isPort(port: unknown): port is number {
  return Number.isInteger(port) && (port as number) > 0 && (port as number) <= 65_535;
}

function neverStarted({ command }: Launch, { code, message }: NodeJS.ErrnoException): Failure {
  const program = command[0];
  if (code === 'ENOENT') {
    return { reason: 'CommandNotFound', message: `there is no program '${program}' on the agent's PATH` };
  }
  // What Node says then quotes the value, which may be a secret of the environment.
  const why = code === 'ERR_INVALID_ARG_VALUE' ? 'its command or environment has a NUL character' : message;
  return { reason: 'CommandNotStarted', message: `'${program}' can't be started: ${why}` };
}

function died(code: number | null, signal: NodeJS.Signals | null, words: string): Failure {
  const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
  const message = words === '' ? `it ${how}` : `it ${how}: ${words}`;
  return { reason: signal === null ? 'Exited' : 'Killed', message };
}
