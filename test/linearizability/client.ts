import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError } from 'setpoint';
import { type HeldLock, lock, openSession, type Session, tryLock } from 'setpoint/coordination';
import type { Store } from 'setpoint/store';
import { type Random } from 'setpoint/testing';
import type { Operation } from './history.ts';

/** A line of a client's record: what began, then how it ended. Written before anything is sent, so that a kill loses none. */
export type RecordLine =
  | { readonly began: string; readonly history: string; readonly kind: Operation['kind']; readonly at: number }
  | (Pick<Operation, 'outcome' | 'value'> & {
      readonly ended: string;
      readonly at: number;
      readonly revision?: number;
      /** Whether somebody was told, rightly, that it is no longer the owner. */
      readonly deposed?: boolean;
    });

export interface ClientsOptions {
  readonly store: Store;
  readonly worker: string;
  readonly record: number;
  readonly random: Random;
  readonly ttlSeconds: number;
  /** Whether increments are written through the lock's own store. Without, a lock is all that protects them. */
  readonly fenced: boolean;
  readonly thinkMsMax: number;
}

/** So that the many histories of one process don't all begin at one moment. */
const START_WITHIN_MS = 4000;
const REST_MS_MAX = 800;

/** The machine's monotonic clock, the same for all of its processes, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

export interface CounterValue {
  readonly value: number;
  readonly id: string;
  readonly token: number;
}

/**
 * One process's part in many histories at once: for each it takes the lock, reads the counter, thinks, and writes one
 * more. One session serves them all, as in a program that holds many locks; when it is lost another is opened.
 */
export class Clients {
  readonly #options: ClientsOptions;
  #session: Promise<Session> | undefined;
  #count = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Takes part in a history until it has tried so many increments, or `signal` aborts. */
  async take(history: string, tries: number, signal: AbortSignal): Promise<void> {
    await this.#rest(START_WITHIN_MS);
    for (let done = 0; done < tries && !signal.aborted;) {
      try {
        const session = await this.#open();
        const held = await this.#acquire(session, history, signal);
        if (!held) {
          await this.#rest(REST_MS_MAX);
          continue;
        }
        done++;
        await this.#increment(held, history);
        await held.release();
      } catch (error) {
        if (!isSetpointError(error)) throw error;
        await this.#rest(REST_MS_MAX);
      }
    }
  }

  #rest(msMax: number): Promise<void> {
    return wait(50 + this.#options.random.next() * msMax);
  }

  async close(): Promise<void> {
    await (await this.#session?.catch(() => undefined))?.close();
  }

  /** One for all; whoever finds it lost opens the next. */
  async #open(): Promise<Session> {
    const opening = this.#session;
    const session = await opening?.catch(() => undefined);
    if (session?.alive) return session;
    const { store, ttlSeconds, worker } = this.#options;
    if (this.#session === opening) this.#session = openSession({ store, ttlSeconds, identity: worker });
    return this.#session!;
  }

  /** Half of the time it waits in line, half of the time it only tries. */
  async #acquire(session: Session, history: string, signal: AbortSignal): Promise<HeldLock | undefined> {
    if (this.#options.random.next() < 0.5) return (await tryLock(session, history)).lock;
    return lock(session, history, { timeoutMs: 3000, signal });
  }

  async #increment(held: HeldLock, history: string): Promise<void> {
    const { store, random, fenced, thinkMsMax } = this.#options;
    const key = counterKey(history);
    const read = this.#begin(history, 'read');
    const id = this.#begin(history, 'increment');
    const answer = await store.range({ key }).catch((error: unknown) => {
      this.#end(read, { outcome: 'unknown', value: 0 });
      this.#end(id, { outcome: 'refused', value: 0 });
      throw error;
    });
    const value = answer.kvs[0] ? decodeCounter(answer.kvs[0].value).value : 0;
    this.#end(read, { outcome: 'ok', value, revision: Number(answer.revision) });
    await wait(random.next() * thinkMsMax);
    const put = { key, value: JSON.stringify({ value: value + 1, id, token: Number(held.token.revision) }) };
    try {
      const { revision } = await (fenced ? held.store : store).put(put);
      this.#end(id, { outcome: 'ok', value: value + 1, revision: Number(revision) });
    } catch (error) {
      const unknown = isSetpointError(error, 'OutcomeUnknown');
      const deposed = isSetpointError(error, 'LockLost');
      this.#end(id, { outcome: unknown ? 'unknown' : 'refused', value: value + 1, deposed });
      throw error;
    }
  }

  #begin(history: string, kind: Operation['kind']): string {
    const began = `${this.#options.worker}.${this.#count++}`;
    this.#write({ began, history, kind, at: now() });
    return began;
  }

  #end(ended: string, how: Pick<Operation, 'outcome' | 'value'> & { revision?: number; deposed?: boolean }): void {
    this.#write({ ended, at: now(), ...how });
  }

  #write(line: RecordLine): void {
    writeSync(this.#options.record, `${JSON.stringify(line)}\n`);
  }
}

export const counterKey = (history: string): string => `/histories/${history}`;

export function decodeCounter(bytes: Uint8Array): CounterValue {
  return JSON.parse(new TextDecoder().decode(bytes)) as CounterValue;
}
