import { isSetpointError, SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep } from '../internal/clock.ts';
import {
  type AnyResourceDefinition,
  invalid,
  invalidBecause,
  isDeleting,
  kindOf,
  type ObjectOf,
  timestamp,
} from '../resource/index.ts';
import { checkTxn, type Compare, type KeyValue, type Operation, type Revision } from '../store/index.ts';
import { alreadyExists, notFound, outcomeUnknown } from './client-errors.ts';
import { named, newObject } from './new-object.ts';
import {
  CHANGE_FIELDS,
  checkFields,
  type CreateInput,
  INPUT_FIELDS,
  type ObjectChanges,
  type StatusInput,
} from './object-input.ts';
import type { ObjectRef, Target } from './object-ref.ts';
import type { ClientContext, ObjectWriter, PreparedWrite } from './object-writer.ts';
import { callOptions } from './call-options.ts';
import { isCompacted } from './read-options.ts';
import { checkOptions, OPTIONS } from './option-names.ts';
import { revise, reviseStatus } from './revise.ts';
import { type ModifyOptions, retryOf, type WriteOptions } from './write-options.ts';

/** Reads and writes of one kind within a transaction. Writes are noted, and made together at its end. */
export interface TransactionResource<Definition extends AnyResourceDefinition> {
  /** As it was at the transaction's revision, with what the transaction has done to it. Throws `NotFound`. */
  get(ref: ObjectRef): Promise<ObjectOf<Definition>>;
  find(ref: ObjectRef): Promise<ObjectOf<Definition> | undefined>;
  /** Throws `AlreadyExists`. */
  create(input: CreateInput<Definition>): Promise<ObjectOf<Definition>>;
  update(ref: ObjectRef, changes: ObjectChanges<Definition>): Promise<ObjectOf<Definition>>;
  updateStatus(ref: ObjectRef, status: StatusInput<Definition>): Promise<ObjectOf<Definition>>;
  /** As a delete outside of a transaction: with finalizers left it only marks. */
  delete(ref: ObjectRef): Promise<void>;
}

/** See {@link Client.transaction}. */
export interface Transaction {
  resource<Definition extends AnyResourceDefinition>(definition: Definition): TransactionResource<Definition>;
}

/** What a transaction came to. */
export interface TransactionResult<T> {
  readonly value: T;
  /** The one revision of everything that it wrote; where it wrote nothing, the one of everything that it read. */
  readonly resourceVersion: string;
}

/** What a transaction knows of one key. */
interface Entry {
  readonly writer: ObjectWriter<AnyResourceDefinition>;
  readonly target: Target;
  readonly base: Revision;
  readonly before: ObjectOf<AnyResourceDefinition> | undefined;
  /** What is to be there; the very same as `before` when it is only read. */
  next: ObjectOf<AnyResourceDefinition> | undefined;
}

const RETRY = { baseMs: 5, maxMs: 500 };

/** Runs `body` until what it read is still so when what it wrote is written. */
export async function runTransaction<T>(
  context: ClientContext,
  writerOf: (definition: AnyResourceDefinition) => ObjectWriter<AnyResourceDefinition>,
  body: (transaction: Transaction) => Promise<T>,
  options: ModifyOptions,
): Promise<TransactionResult<T>> {
  const subject = { what: 'Transaction' };
  checkOptions(options, OPTIONS.modify, subject);
  if (typeof body !== 'function') throw invalid(subject, 'body', 'a function of the transaction', kindOf(body));
  const { call, attempts } = retryOf(options);
  const backoff = new Backoff(RETRY, context.random);
  for (let attempt = 1; ; attempt++) {
    const transaction = new OpenTransaction(context, writerOf, call);
    try {
      const value = await body(transaction);
      transaction.end();
      const revision = await transaction.commit();
      return { value, resourceVersion: String(revision) };
    } catch (error) {
      const again = (error instanceof Overtaken || isCompacted(error)) && attempt < attempts;
      if (!again) throw error instanceof Overtaken ? error.error : error;
      await sleep(context.clock, backoff.next(), call.signal, { ref: true });
      if (call.signal?.aborted) throw new SetpointError('Aborted', 'a transaction was given up; nothing was written');
    }
  }
}

/** Somebody else wrote what was read. */
class Overtaken extends Error {
  readonly error: SetpointError;

  constructor(error: SetpointError) {
    super(error.message);
    this.error = error;
  }
}

class OpenTransaction implements Transaction {
  readonly #context: ClientContext;
  readonly #writerOf: (definition: AnyResourceDefinition) => ObjectWriter<AnyResourceDefinition>;
  readonly #options: WriteOptions;
  readonly #entries = new Map<string, Entry>();
  /** All reads are at this revision: the first one's. */
  #revision: Revision | undefined;
  #over = false;

  constructor(
    context: ClientContext,
    writerOf: (definition: AnyResourceDefinition) => ObjectWriter<AnyResourceDefinition>,
    options: WriteOptions,
  ) {
    this.#context = context;
    this.#writerOf = writerOf;
    this.#options = options;
  }

  /** What is asked for from here on is refused: it would be dropped. */
  end(): void {
    this.#over = true;
  }

  resource<Definition extends AnyResourceDefinition>(definition: Definition): TransactionResource<Definition> {
    const writer = this.#writerOf(definition);
    const entry = (ref: ObjectRef): Promise<Entry> => this.#entry(writer, writer.target(ref));
    const existing = async (ref: ObjectRef): Promise<Entry & { next: ObjectOf<AnyResourceDefinition> }> => {
      const found = await entry(ref);
      if (!found.next) throw notFound(found.target);
      return found as Entry & { next: ObjectOf<AnyResourceDefinition> };
    };
    const { random, clock } = this.#context;
    const made: TransactionResource<AnyResourceDefinition> = {
      find: async (ref) => (await entry(ref)).next,
      get: async (ref) => (await existing(ref)).next,
      create: async (input) => {
        const own = named(input, random, { what: definition.kind });
        const found = await entry(own);
        checkFields(own, INPUT_FIELDS, found.target.subject);
        if (found.next) throw alreadyExists(found.target, found.base);
        return (found.next = newObject(writer, found.target, own));
      },
      update: async (ref, changes) => {
        const found = await existing(ref);
        const { subject } = found.target;
        checkFields(changes, CHANGE_FIELDS, subject);
        return (found.next = revise(definition, found.next, changes, { subject }));
      },
      updateStatus: async (ref, status) => {
        const found = await existing(ref);
        return (found.next = reviseStatus(definition, found.next, status, found.target.subject));
      },
      delete: async (ref) => {
        const found = await existing(ref);
        if (isDeleting(found.next.metadata)) return;
        const deletionTimestamp = timestamp(clock.wallNow());
        found.next = { ...found.next, metadata: { ...found.next.metadata, deletionTimestamp } };
      },
    };
    return made;
  }

  /** Writes everything in one transaction of the store; returns its revision. */
  async commit(): Promise<Revision> {
    const entries = [...this.#entries.values()];
    const written = entries.filter(({ before, next }) => next !== before && next !== undefined);
    if (written.length === 0) return this.#revision ?? 0n;
    const changing: Entry[] = [];
    const prepared: PreparedWrite<AnyResourceDefinition>[] = [];
    for (const entry of written) {
      const { writer, target, base, before, next } = entry;
      const one = await writer.prepare(target, { base, before, next: next! }, this.#options);
      if (one.unchanged) continue;
      changing.push(entry);
      prepared.push(one);
    }
    if (changing.length === 0) return this.#revision ?? 0n;
    const compares = entries.map(({ target, base }): Compare => ({
      key: target.storeKey,
      target: 'mod',
      operator: '=',
      operand: base,
    }));
    const reads = entries.map(({ target }): Operation => ({ range: { key: target.storeKey, keysOnly: true } }));
    const request = { compares, then: prepared.map(({ change }) => change), else: reads };
    if (this.#options.dryRun === true) {
      checkTxn(request);
      return this.#revision ?? 0n;
    }
    const call = callOptions(this.#options);
    try {
      const { succeeded, revision, responses } = await this.#context.store.txn(request, call);
      if (!succeeded)
        throw overtaken(
          entries,
          responses.map((each) => ('range' in each ? each.range.kvs[0] : undefined)),
        );
      return this.#told(changing, prepared, revision);
    } catch (error) {
      if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
      // All of it was applied or nothing, so that one of its writes tells for all.
      const at = Math.max(
        prepared.findIndex(({ deletes }) => !deletes),
        0,
      );
      const { writer, target, base } = changing[at]!;
      const outcome = await writer.outcomeOf(target, { base, ...prepared[at]! }, call);
      if (outcome.state === 'applied') return this.#told(changing, prepared, outcome.revision);
      if (outcome.state === 'not-applied') throw overtaken([changing[at]!], [outcome.current]);
      throw outcomeUnknown(target, error);
    }
  }

  #told(
    written: readonly Entry[],
    prepared: readonly PreparedWrite<AnyResourceDefinition>[],
    revision: Revision,
  ): Revision {
    for (const [index, { writer, target }] of written.entries())
      writer.written(target, prepared[index]!.next, revision);
    return revision;
  }

  async #entry(writer: ObjectWriter<AnyResourceDefinition>, target: Target): Promise<Entry> {
    if (this.#over) {
      const next = 'Await within the body whatever belongs to it.';
      throw invalidBecause(
        target.subject,
        'transaction',
        'it is over, and nothing more can be read or written in it',
        next,
      );
    }
    const known = this.#entries.get(target.storeKey);
    if (known) return known;
    const at: { revision?: Revision } = this.#revision === undefined ? {} : { revision: this.#revision };
    const { kvs, revision } = await this.#context.store.range(
      { key: target.storeKey, ...at },
      callOptions(this.#options),
    );
    this.#revision ??= revision;
    // Of two first reads at the same time one was too late to be asked for the other's revision.
    if (at.revision === undefined && this.#revision !== revision) return await this.#entry(writer, target);
    const again = this.#entries.get(target.storeKey);
    if (again) return again;
    const [kv] = kvs;
    const before = kv && writer.codec.decode(kv);
    const entry: Entry = { writer, target, base: kv?.modRevision ?? 0n, before, next: before };
    this.#entries.set(target.storeKey, entry);
    return entry;
  }
}

function overtaken(entries: readonly Entry[], current: readonly (KeyValue | undefined)[]): Overtaken {
  const changed = entries.filter(({ base }, index) => (current[index]?.modRevision ?? 0n) !== base);
  const names = (changed.length > 0 ? changed : entries).map(({ target }) => target.subject.what).join(', ');
  const message = `a transaction of several objects: somebody else wrote ${names} since it was read. Nothing was written.`;
  const key = (changed[0] ?? entries[0])?.target.storeKey;
  return new Overtaken(new SetpointError('Conflict', message, { details: key === undefined ? {} : { key } }));
}
