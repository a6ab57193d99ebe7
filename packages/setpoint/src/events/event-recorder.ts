import type { ApplyInput, Client, ResourceClient, WriteOptions } from '../client/index.ts';
import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Clock, sleep, systemClock } from '../internal/clock.ts';
import { describeError } from '../internal/describe-error.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { type Logger, steadyLogger } from '../internal/logger.ts';
import { createMetrics, type Metrics } from '../internal/metrics.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { type ResourceObject, timestamp } from '../resource/index.ts';
import { type LeasePool, leasePool } from '../store/index.ts';
import { Correlation } from './correlation.ts';
import { Event, type EventSpec, type ObjectReference } from './event-resource.ts';
import { type EventFacts, Recurrence, type Recurring } from './recurrence.ts';

export interface EventRecorderOptions {
  /** Stores the events. */
  readonly client: Client;
  /** How long an event stays after it was last stored. Default 1 h, as Kubernetes; at least 1 min. */
  readonly ttlMs?: number;
  /** Names this process in its events. Default: made up. */
  readonly instance?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

/** What to say about an object. */
export interface EventInput {
  /** Default `Normal`. */
  readonly type?: 'Normal' | 'Warning';
  /** A CamelCase word for machines, such as `FailedScheduling`. */
  readonly reason: string;
  /** A sentence for people. Longer ones than 1024 characters are cut. */
  readonly message: string;
  /** What was being done. */
  readonly action?: string;
  /** Another object that it has to do with. */
  readonly related?: ResourceObject;
}

/** Says something about an object. Never waits, never throws. */
export type RecordEvent = (object: ResourceObject, event: EventInput) => void;

const QUEUE_MAX = 1000;
const TRIES_MAX = 12;
const RETRY_MS = 10_000;
const SWEEP_MS = 30_000;
const FLUSH_MAX_MS = 2_000;
const TTL_MS = 3_600_000;
const MESSAGE_MAX = 1024;
const NAME_MAX = 230;

/** Makes a recorder: something to run, and to get functions from that record. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new EventRecorder(options);
}

/** See this folder's `index.ts`. A `Runnable`: it stores what was recorded while it runs, and the rest when it stops. */
export class EventRecorder {
  readonly name = 'event recorder';
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #instance: string;
  readonly #leases: LeasePool;
  readonly #ttlSeconds: number;
  readonly #correlation = new Correlation();
  readonly #recurrence = new Recurrence();
  /** To be stored, each event once, the oldest first. At most {@link QUEUE_MAX}. */
  readonly #queue = new Set<Recurring>();
  readonly #dropped: { inc: (reason: string) => void };
  #wake: () => void = () => {};

  constructor(options: EventRecorderOptions) {
    const { client, ttlMs = TTL_MS, clock = systemClock, random = systemRandom, logger } = options;
    if (!(ttlMs >= 60_000)) {
      throw new SetpointError('Invalid', `createEventRecorder: ttlMs must be at least 60000; got ${String(ttlMs)}`);
    }
    this.#client = client;
    this.#clock = clock;
    this.#random = random;
    this.#logger = steadyLogger(logger);
    this.#instance = options.instance ?? `setpoint-${random.uuid().slice(0, 8)}`;
    this.#leases = leasePool(client.store, { clock });
    this.#ttlSeconds = Math.ceil(ttlMs / 1000);
    const dropped = (options.metrics ?? createMetrics()).counter({
      name: 'setpoint_events_dropped_total',
      help: 'Events that were not stored, by reason.',
      labels: ['reason'],
    });
    this.#dropped = { inc: (reason) => dropped.with({ reason }).inc() };
  }

  /** The function that records for one controller. */
  for(controller: string): RecordEvent {
    return (object, input) => {
      try {
        this.#record(controller, object, input);
      } catch (error) {
        this.#dropped.inc('failed');
        this.#logger.warn({ controller, error: describeError(error) }, 'an event could not be recorded');
      }
    };
  }

  /** How many events wait to be stored. */
  get pending(): number {
    return this.#queue.size;
  }

  async run(signal: AbortSignal): Promise<void> {
    let sweptAt = this.#clock.now();
    while (!signal.aborted) {
      const now = this.#clock.now();
      if (now - sweptAt >= SWEEP_MS) {
        sweptAt = now;
        for (const event of this.#recurrence.sweep(now)) this.#enqueue(event);
      }
      const [event] = this.#queue;
      if (event) await this.#storeUntilDone(event, signal);
      else await this.#wait(this.#recurrence.size === 0 ? undefined : SWEEP_MS - (now - sweptAt), signal);
    }
    await this.#flush();
  }

  #record(controller: string, object: ResourceObject, input: EventInput): void {
    const { type = 'Normal', reason, action, related } = input;
    const message = String(input.message).slice(0, MESSAGE_MAX);
    const regarding = referenceTo(object);
    const facts: EventFacts = { regarding, related: related && referenceTo(related), type, reason, action, controller };
    const [now, wallNow] = [this.#clock.now(), this.#clock.wallNow()];
    const source = JSON.stringify([controller, regarding.uid]);
    const group = JSON.stringify([controller, regarding.uid, type, reason, action, facts.related?.uid]);
    const correlated = this.#correlation.correlate({ source, group, message }, now);
    if ('drop' in correlated) return this.#dropped.inc(correlated.drop);
    const known = this.#recurrence.recur(correlated.id, correlated.message, { now, wallNow });
    if (known) {
      if (this.#recurrence.isDue(known)) this.#enqueue(known);
      return;
    }
    const { namespace = 'default', name } = regarding;
    const event: Recurring = {
      facts,
      name: `${name.slice(0, NAME_MAX).replace(/[-.]+$/, '')}.${this.#random.uuid().replaceAll('-', '').slice(0, 16)}`,
      namespace,
      message: correlated.message,
      count: 1,
      firstAt: wallNow,
      lastAt: wallNow,
      seenAt: now,
      storedAt: now,
      storedCount: 0,
    };
    if (this.#enqueue(event)) this.#recurrence.add(correlated.id, event);
  }

  #enqueue(event: Recurring): boolean {
    if (!this.#queue.has(event) && this.#queue.size >= QUEUE_MAX) {
      this.#dropped.inc('overflow');
      return false;
    }
    this.#queue.add(event);
    this.#wake();
    return true;
  }

  async #storeUntilDone(event: Recurring, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.#store(event, signal);
        return;
      } catch (error) {
        // What is asked to end is flushed afterwards.
        if (signal.aborted) return;
        if (tries >= TRIES_MAX || !isWorthRetrying(error)) {
          this.#queue.delete(event);
          this.#dropped.inc('unstored');
          this.#logger.warn({ event: event.name, error: describeError(error) }, 'an event could not be stored');
          return;
        }
        await sleep(this.#clock, RETRY_MS * (0.5 + this.#random.next()), signal);
        if (signal.aborted) return;
      }
    }
  }

  async #store(event: Recurring, signal: AbortSignal): Promise<void> {
    const { name, namespace, count } = event;
    const events = this.#client.resource(Event);
    const lease = await this.#leases.take(this.#ttlSeconds, { signal });
    try {
      const object = { name, namespace, spec: this.#specOf(event) };
      await (event.storedCount > 0
        ? events.apply(object, { signal, lease })
        : createOrApply(events, object, { signal, lease }));
    } catch (error) {
      if (isSetpointError(error, 'LeaseNotFound')) this.#leases.forget(lease);
      throw error;
    }
    event.storedCount = count;
    event.storedAt = this.#clock.now();
    this.#queue.delete(event);
    // It may have become a series meanwhile.
    if (event.count !== count && this.#recurrence.isDue(event)) this.#enqueue(event);
  }

  #specOf({ facts, message, count, firstAt, lastAt }: Recurring): EventSpec {
    const { regarding, related, type, reason, action, controller } = facts;
    return {
      regarding,
      ...(related && { related }),
      type,
      reason,
      message,
      ...(action === undefined ? {} : { action }),
      reportingController: controller,
      reportingInstance: this.#instance,
      eventTime: timestamp(firstAt),
      ...(count > 1 && { series: { count, lastObservedTime: timestamp(lastAt) } }),
    };
  }

  /** Stores what is left, once each, for two seconds at most and until the first failure. */
  async #flush(): Promise<void> {
    for (const event of this.#recurrence.changed()) this.#queue.add(event);
    const link = linkedAbort();
    const timer = this.#clock.setTimer(() => link.abort(undefined), FLUSH_MAX_MS);
    try {
      for (const event of this.#queue) await this.#store(event, link.signal);
    } catch (error) {
      this.#logger.warn({ left: this.#queue.size, error: describeError(error) }, 'events were left when it stopped');
    } finally {
      timer.cancel();
      link.unlink();
    }
  }

  /** Until something is recorded, or for so long. */
  async #wait(delayMs: number | undefined, signal: AbortSignal): Promise<void> {
    const link = linkedAbort(signal);
    this.#wake = () => link.abort(undefined);
    try {
      if (delayMs !== undefined) await sleep(this.#clock, delayMs, link.signal);
      else if (!link.signal.aborted) {
        await new Promise((resolve) => link.signal.addEventListener('abort', resolve, { once: true }));
      }
    } finally {
      this.#wake = () => {};
      link.unlink();
    }
  }
}

/** Nobody else has its name, so there is nothing to read first; an earlier try whose reply was lost may have made it. */
async function createOrApply(
  events: ResourceClient<typeof Event>,
  object: ApplyInput<typeof Event>,
  options: WriteOptions,
): Promise<void> {
  try {
    await events.create(object, options);
  } catch (error) {
    if (!isSetpointError(error, 'AlreadyExists')) throw error;
    await events.apply(object, options);
  }
}

/** A refusal stays one; what may pass is tried again. */
function isWorthRetrying(error: unknown): boolean {
  if (!isSetpointError(error)) return false;
  return error.retryable || ['OutcomeUnknown', 'LeaseNotFound', 'NoSpace', 'Conflict'].includes(error.code);
}

function referenceTo({ apiVersion, kind, metadata }: ResourceObject): ObjectReference {
  const { name, namespace, uid } = metadata;
  return { apiVersion, kind, name, uid, ...(namespace === undefined ? {} : { namespace }) };
}
