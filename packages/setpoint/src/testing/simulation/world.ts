import { createClient } from '../../client/index.ts';
import type { ReconcileReport } from '../../controller/index.ts';
import { isSetpointError, SetpointError } from '../../errors/index.ts';
import { silentLogger } from '../../internal/logger.ts';
import { seededRandom } from '../../internal/random.ts';
import { createManager } from '../../runtime/index.ts';
import {
  type CallOptions,
  memoryStore,
  type RangeRequest,
  type Revision,
  type Store,
  type WatchBatch,
  type WatchOptions,
  type WatchRequest,
} from '../../store/index.ts';
import { closedUnderWay } from '../../store/fence.ts';
import { keysIn } from '../intercept-store.ts';
import { deepStack, describe, firstKey, isWrite, textOf } from './call-text.ts';
import { breach } from './law.ts';
import { Coverage } from './coverage.ts';
import { EffectCounts, externalPorts } from './external-ports.ts';
import { followStore, storeNow } from './follow-store.ts';
import { Line } from './line.ts';
import { Mailbox, type Message } from './mailbox.ts';
import { type Call, type CallName, type CallPort, SimulatedProcess } from './process.ts';
import type { Point, Snapshot, TraceLine, WorldOptions } from './records.ts';
import { pastList } from './past-list.ts';
import { watchSingleFlight } from './single-flight.ts';
import { strikeAfter, strikeBefore, strikeLine, type Travel } from './strikes.ts';
import { placeOf } from './place.ts';
import { MirroredState } from './state.ts';
import { Succession } from './succession.ts';
import { simulatedUser, type SimulatedUser, type UserStep } from './user.ts';
import type { Externals, Violation } from './world-options.ts';
import { WorldClock } from './world-clock.ts';

/** How long a process that died is away. */
const RESTART_MS = 1000;
/** A supervisor that restarts a process this often has something to complain of. */
const STARTS_MAX = 25;

/** What is under this decides who may write, and is not itself what is fenced. */
const COORDINATION = '/setpoint/';

/**
 * A world of processes around one store. Everything that happens in it is a pick of the scheduler; everything that it
 * lets happen follows from the subject and the plan of faults, so that the same plan gives the same run.
 */
export class World implements CallPort {
  readonly clock = new WorldClock();
  readonly state: MirroredState;
  readonly user: SimulatedUser;
  readonly steps: UserStep[] = [];
  readonly violations: Violation[] = [];
  readonly processes = new Map<string, SimulatedProcess>();
  readonly inbox = new Mailbox(() => this.clock.now());
  readonly trace: TraceLine[] = [];
  readonly points: Point[] = [];
  readonly snapshots: Snapshot[] = [];
  /** How often each key was created. */
  readonly creates = new Map<string, number>();
  /** What is to happen before anything else, once promise jobs have run. */
  afterDrain: (() => void) | undefined;
  calls = 0;
  /** Not counted: what a fault wrote. */
  commits = 0;
  reconciles = 0;
  /** Which action followed which, where that is noted. */
  readonly coverage: Coverage | undefined;
  /** Until then some cache is told nothing. */
  frozenUntil = 0;
  lostEvents = false;
  /** When the last of them was. */
  lostAt = 0;
  /** A process saw the past again. */
  travelled = false;
  /** A change was told twice. */
  repeated = false;
  /** Events were lost, or lists answered from the past: what was done meanwhile is not to be compared. */
  incomparable = false;
  readonly options: WorldOptions;
  readonly externals: Externals;
  #store: Store;
  #unfollow: () => void;
  readonly #prefix: string;
  #lastActivity = 0;
  readonly #starts = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #effects: EffectCounts;
  readonly travels: Travel[] = [];
  readonly #succession = new Succession();
  /** The call whose effect the next commit is; undefined when it is the user's. */
  making: Call | undefined;
  /** How many steps the user has come to, those left out included. */
  userSteps = 0;
  /** Commits to come that a fault made in somebody else's name. */
  touches = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    const { subject, content } = options;
    this.#prefix = subject.prefix ?? '/registry';
    this.coverage = options.covering ? new Coverage() : undefined;
    this.externals = subject.externals?.() ?? {};
    this.#effects = new EffectCounts(options.onceOutside, (violation) => this.violate(violation));
    this.state = new MirroredState(this.#prefix, () => this.clock.now(), this.externals);
    this.#store = memoryStore({ clock: this.clock, random: seededRandom(1) });
    for (const [key, value] of content ?? []) void this.#store.put({ key, value });
    this.#unfollow = this.#follow();
    const store = storeNow(() => this.#store);
    this.user = simulatedUser({
      client: createClient({ store, prefix: this.#prefix, clock: this.clock, random: seededRandom(2) }),
      post: (step) => this.steps.push(step),
      now: () => this.clock.now(),
      patient: () => options.plan.struck > 0,
      omits: (number) => {
        this.userSteps = number;
        return options.plan.omits(number);
      },
    });
  }

  /** The store itself, out of reach of faults. */
  get store(): Store {
    return this.#store;
  }

  /** When somebody last wrote, failed or started; in the future while somebody stands still who will go on. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** Something happens, or will: it is not at rest before that. */
  active(at = this.clock.now()): void {
    this.#lastActivity = Math.max(this.#lastActivity, at);
  }

  start(name: string): void {
    const incarnation = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, incarnation);
    if (incarnation > STARTS_MAX) {
      this.violate({ oracle: 'no-rest', message: `${name} was started ${STARTS_MAX} times and ended each time` });
      return;
    }
    const { subject } = this.options;
    const process = new SimulatedProcess(name, incarnation, this.clock, this, this.options.content ? 1 : 0);
    this.processes.set(name, process);
    for (const { prefix, to, restsLeft } of this.travels) if (restsLeft <= 0) process.listAt.set(prefix, to);
    if (process.listAt.size > 0) this.travels.length = 0;
    const environment = process.environment(
      externalPorts(this.externals, (key, args, effect) =>
        this.#send(process, 'external', { key, args }, undefined, async () => {
          this.#effects.takes(key, args);
          return effect(...args);
        }),
      ),
    );
    const given = typeof subject.controllers === 'function' ? subject.controllers(environment) : subject.controllers;
    const controllers = watchSingleFlight(given, (message) => {
      if (!process.dead) this.violate({ oracle: 'hygiene', message });
    });
    process.controllers = controllers;
    process.manager = createManager({
      eventTtlMs: false, // what is told of happenings differs with each fault, and is no state
      store: process.store,
      prefix: this.#prefix,
      controllers,
      resources: subject.resources ?? [],
      clock: process.clock,
      random: process.random,
      logger: silentLogger,
      ...subject.manager?.(environment),
      onReconciled: (report) => this.#reconciled(process, report),
    });
    this.note(name, incarnation === 1 ? 'starts' : 'starts again', incarnation > 1);
    this.active();
    process.manager.run(new AbortController().signal).then(
      () => this.#exited(process, undefined),
      (error: unknown) => this.#exited(process, error),
    );
  }

  #exited(process: SimulatedProcess, error: unknown): void {
    if (process.dead) return;
    this.note(process.name, `ends: ${textOf(error)}`, true);
    if (isSetpointError(error, 'Invalid')) {
      this.violate({ oracle: 'hygiene', message: `the manager refuses to run: ${error.message}` });
    }
    this.crash(process);
  }

  /** Kills a process and starts it again a little later. */
  crash(process: SimulatedProcess): void {
    if (process.dead) return;
    process.kill();
    this.note(process.name, 'crashes', true);
    this.clock.setTimer(() => this.start(process.name), RESTART_MS);
    this.active();
  }

  #reconciled(process: SimulatedProcess, report: ReconcileReport): void {
    if (process.dead) return;
    this.reconciles++;
    const { controller, key, outcome } = report;
    const name = `${controller} ${key}`;
    if (outcome.type !== 'error') {
      process.failing.delete(name);
      if (this.options.recording) this.note(process.name, `${controller} has reconciled ${key}`);
      return;
    }
    if (!outcome.terminal) process.failing.add(name);
    this.active();
    this.note(process.name, `${controller} fails on ${key}: ${textOf(outcome.error)}`);
    this.onError(outcome.error, outcome.panic, `${controller} of ${key}`);
  }

  /** Replaced by whoever judges errors. */
  onError: (error: unknown, panic: boolean, where: string) => void = () => {};

  call(process: SimulatedProcess, name: CallName, request: unknown, options?: CallOptions): Promise<unknown> {
    return this.#send(process, name, request, options?.signal, () => this.#make(process, name, request));
  }

  #send(
    process: SimulatedProcess,
    name: CallName,
    request: unknown,
    signal: AbortSignal | undefined,
    make: () => Promise<unknown>,
  ): Promise<unknown> {
    if (process.dead) return new Promise(() => {});
    const number = ++this.calls;
    const stack = this.options.stacks ? deepStack() : undefined;
    return new Promise((resolve, reject) => {
      const call: Call = { number, process, name, request, signal, make, resolve, reject, stack };
      this.inbox.post({ process, call });
    });
  }

  #make(process: SimulatedProcess, name: CallName, request: unknown): Promise<unknown> {
    if (name === 'range' && process.listAt.size > 0)
      return pastList(this.#store, process.listAt, request as RangeRequest);
    const method = this.#store[name as 'range'] as (request: unknown) => Promise<unknown>;
    return method.call(this.#store, request);
  }

  watch(process: SimulatedProcess, request: WatchRequest, options: WatchOptions): AsyncIterator<WatchBatch> {
    const prefix = 'prefix' in request ? Buffer.from(request.prefix as Uint8Array).toString() : keysIn(request).join();
    const place = prefix.slice(this.#prefix.length + 1).replace(/\/$/, '') || prefix;
    const name = process.name === 'p1' ? place : `${process.name}:${place}`;
    const line: Line = new Line(name, this.#store, request, options, (from) =>
      this.inbox.post({ process, line: from }),
    );
    process.lines.add(line);
    return line.iterator();
  }

  deliver(message: Message): void {
    if (message.line) return this.#tell(message.process, message.line);
    const call = message.call!;
    if (message.reply) return this.answer(call);
    this.#arrive(message, call);
  }

  #arrive(message: Message, call: Call): void {
    const { process, signal } = call;
    const write = isWrite(call);
    if (this.options.recording) {
      const likeness = `${process.name} ${this.commits} ${describe(call)} ${process.failing.size}`;
      const sort = `${call.name} ${firstKey(call)}`;
      this.points.push({ type: 'call', number: call.number, process: process.name, write, likeness, sort });
    }
    this.coverage?.note(`${call.name} ${firstKey(call)} ${call.process.incarnation}`);
    if (signal?.aborted) {
      if (closedUnderWay(signal)) this.#unawaited(call);
      return call.reject(
        new SetpointError('Aborted', 'the call was given up before it was made', { cause: signal.reason }),
      );
    }
    const faults = this.options.plan.take('call', String(call.number));
    for (const kind of faults) {
      this.note(process.name, `fault: ${kind} at call ${call.number}, ${describe(call)}`, true);
      if (strikeBefore(this, kind, message)) return;
    }
    this.making = call;
    const made = call.make();
    if (this.options.recording) this.note(process.name, describe(call));
    const last = faults.find((kind) => ['crash-after', 'unknown', 'delay', 'crash-done'].includes(kind));
    if (last === undefined) {
      made.then(call.resolve, call.reject);
      return;
    }
    made.then(
      (value) => (call.answer = { value }),
      (error: unknown) => (call.answer = { error }),
    );
    this.afterDrain = () => strikeAfter(this, last, message);
  }

  answer({ answer, resolve, reject, signal, process, ...call }: Call): void {
    if (process.dead || !answer) return;
    if (closedUnderWay(signal)) this.#unawaited({ answer, resolve, reject, signal, process, ...call });
    if ('error' in answer) reject(answer.error);
    else resolve(answer.value);
  }

  #unawaited(call: Call): void {
    this.violate({
      oracle: 'hygiene',
      message: `a store call is not awaited: ${describe(call)} was still under way when its reconcile returned`,
      ...placeOf(call.stack),
    });
  }

  #tell(process: SimulatedProcess, line: Line): void {
    const next = line.waiting[0];
    if (!next) return;
    if (next.events.length === 0) return void line.deliver();
    const number = (this.#counts.get(line.name) ?? 0) + 1;
    this.#counts.set(line.name, number);
    if (this.options.recording) this.points.push({ type: 'event', line: line.name, number });
    this.coverage?.note(`tell ${line.name} ${process.incarnation}`);
    for (const kind of this.options.plan.take('event', `${line.name}.${number}`)) {
      this.note(process.name, `fault: ${kind} at change ${number} of ${line.name}`, true);
      if (strikeLine(this, kind, { process, line })) return;
    }
    line.deliver({ together: line.together });
    line.together = false;
    this.note(process.name, `is told of ${line.name} ${number}`);
  }

  /** Puts the store back to an earlier content, as an operator does who restores a backup. */
  restore(snapshot: Snapshot, revision: Revision): void {
    this.note('store', 'fault: is restored from a backup', true);
    this.incomparable = true;
    const initialRevision = revision > BigInt(snapshot.size) ? revision - BigInt(snapshot.size) : 1n;
    this.#store = memoryStore({ clock: this.clock, random: seededRandom(3), initialRevision });
    this.state.keys.clear();
    for (const [key, value] of snapshot) void this.#store.put({ key, value });
    this.#unfollow();
    this.#unfollow = this.#follow();
    const reset = new SetpointError('HistoryReset', 'the simulation restored a backup');
    for (const process of this.processes.values()) {
      for (const line of process.lines) line.finish(reset);
      process.lines.clear();
    }
    this.active();
  }

  /** Nobody else may have committed since this process did first. */
  #judgeWrite(): void {
    this.commits++;
    const call = this.making;
    if (!call || !this.options.fenced) return;
    const { name, incarnation } = call.process;
    const successor = this.#succession.wrote(`${name}#${incarnation}`);
    if (successor === undefined) return;
    const message = `${name} wrote (${describe(call)}) after ${successor} had taken its place`;
    this.violate({ oracle: 'fencing', message });
  }

  #follow(): () => void {
    return followStore(
      this.#store,
      (revision, events) => this.#commit(revision, events),
      (revision) => (this.state.revision = revision),
    );
  }

  #commit(revision: Revision, events: WatchBatch['events']): void {
    this.state.apply(revision, events);
    const isTouch = this.touches > 0;
    if (isTouch) this.touches--;
    if (events.every(({ kv }) => Buffer.from(kv.key).toString().startsWith(COORDINATION))) return;
    if (!isTouch) this.#judgeWrite();
    this.active();
    for (const { type, kv } of events) {
      if (type !== 'put' || kv.version !== 1n) continue;
      const key = Buffer.from(kv.key).toString();
      this.creates.set(key, (this.creates.get(key) ?? 0) + 1);
    }
    if (this.options.recording) this.snapshots.push(this.state.content());
    for (const each of this.options.subject.always ?? []) {
      const message = breach(each, this.state);
      if (message !== undefined) this.violate({ oracle: 'always', message });
    }
  }

  violate(violation: Violation): void {
    if (this.violations.some(({ message }) => message === violation.message)) return;
    this.violations.push(violation);
    this.note('law', `broken: ${violation.message}`, true);
  }

  note(who: string, text: string, weighty = false): void {
    if (this.options.recording) this.trace.push({ at: this.clock.now(), who, text, weighty });
  }
}
