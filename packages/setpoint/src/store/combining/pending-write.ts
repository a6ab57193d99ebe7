import { isSetpointError, SetpointError } from '../../errors/index.ts';
import { deferred } from '../../internal/deferred.ts';
import { letManyListen } from '../../internal/many-listeners.ts';
import { subjectKey } from '../check-request.ts';
import { longestPath } from '../limits.ts';
import type { CallOptions, Operation } from '../port.ts';
import { operationSize } from '../request-size.ts';
import type { Footprint } from './footprint.ts';
import type { WriteAnswer } from './member-answer.ts';

export interface PendingWriteSettings {
  readonly operation: Operation;
  readonly options: CallOptions;
  readonly calledAt: number;
  /** Absent: it waits for as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly footprintOf: (operation: Operation) => Footprint;
  readonly onAbort: (write: PendingWrite) => void;
}

/** One caller's write, from its call to its outcome. It settles once; whatever comes after that is ignored. */
export class PendingWrite {
  readonly operation: Operation;
  readonly options: CallOptions;
  readonly calledAt: number;
  readonly timeoutMs: number | undefined;
  /** When its time is up, by the clock; Infinity when it has no limit. */
  readonly deadline: number;
  readonly #footprintOf: (operation: Operation) => Footprint;
  /** Called when its caller's signal aborts, as long as it is here that the signal is listened to. */
  onAbort: (write: PendingWrite) => void;
  #listener: (() => void) | undefined;
  readonly #outcome = deferred<WriteAnswer>();
  #footprint: Footprint | undefined;
  #size: number | undefined;
  #path: number | undefined;
  #settled = false;

  constructor({ operation, options, calledAt, timeoutMs, footprintOf, onAbort }: PendingWriteSettings) {
    this.operation = operation;
    this.options = options;
    this.calledAt = calledAt;
    this.timeoutMs = timeoutMs;
    this.deadline = timeoutMs === undefined ? Infinity : calledAt + timeoutMs;
    this.#footprintOf = footprintOf;
    this.onAbort = onAbort;
    if (options.signal) {
      this.#listener = () => this.onAbort(this);
      letManyListen(options.signal);
      options.signal.addEventListener('abort', this.#listener, { once: true });
    }
  }

  get outcome(): Promise<WriteAnswer> {
    return this.#outcome.promise;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get alone(): boolean {
    return this.options.alone === true;
  }

  get footprint(): Footprint {
    return (this.#footprint ??= this.#footprintOf(this.operation));
  }

  /** Its bytes as a member of a transaction. */
  get size(): number {
    return (this.#size ??= operationSize(this.operation));
  }

  /** How many operations it adds to the path that leads through it. */
  get path(): number {
    return (this.#path ??= 'txn' in this.operation ? longestPath(this.operation.txn) : 0);
  }

  /** From here on somebody else listens to its signal. */
  handOver(): void {
    if (this.#listener) this.options.signal?.removeEventListener('abort', this.#listener);
  }

  answer(answer: WriteAnswer): void {
    this.#settle();
    this.#outcome.resolve(answer);
  }

  /** Fails with `code`, naming this write's own key. */
  fail(code: SetpointError['code'], text: string, cause?: unknown): void {
    const key = subjectKey({ then: [this.operation] });
    const what = `${Object.keys(this.operation)[0]} ${JSON.stringify(key)}`;
    const details = isSetpointError(cause) ? cause.details : {};
    this.reject(new SetpointError(code, `${what}: ${text}`, { cause, details: { ...details, key } }));
  }

  reject(error: unknown): void {
    this.#settle();
    this.#outcome.reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.handOver();
  }
}
