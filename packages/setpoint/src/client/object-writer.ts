import { isSetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { writeChannel, type WriteTrace } from '../internal/diagnostics.ts';
import type { Random } from '../internal/random.ts';
import {
  afterUpdate,
  type AnyResourceDefinition,
  type Codec,
  deepEqual,
  fieldsOf,
  isDeleting,
  type ObjectKey,
  type ObjectOf,
  timestamp,
  type ValueTransformer,
} from '../resource/index.ts';
import {
  type CallOptions,
  checkTxn,
  type Compare,
  type KeyValue,
  type Operation,
  resolveOutcome,
  type Revision,
  type Store,
  type TxnRequest,
  type TxnResponse,
  type WriteOutcome,
} from '../store/index.ts';
import { type AdmissionHook, runAdmission } from './admission.ts';
import { outcomeUnknown } from './client-errors.ts';
import { targetOf, type ObjectRef, type Target } from './object-ref.ts';
import { callOptions } from './call-options.ts';
import type { WriteOptions } from './write-options.ts';

/** Told of every acknowledged write: its kind, key and revision. Must not throw. */
export type WriteListener = (definition: AnyResourceDefinition, key: ObjectKey, revision: Revision) => void;

/** Everything that the objects of one client share. */
export interface ClientContext {
  readonly store: Store;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onWrite: WriteListener | undefined;
  /** Who writes when a write doesn't say. */
  readonly manager: string;
  /** Asked about every write, in this order. */
  readonly admission: readonly AdmissionHook[];
  readonly transformerOf: (definition: AnyResourceDefinition) => ValueTransformer | undefined;
  readonly codecOf: <Definition extends AnyResourceDefinition>(definition: Definition) => Codec<ObjectOf<Definition>>;
}

/** What became of one conditional write: the new object, or what stands in its way (undefined: it is gone). */
export type WriteResult<T> = { readonly object: T } | { readonly current: KeyValue | undefined };

/** How far `base` can be trusted to be what is stored at its revision. */
export type BaseOrigin = 'caller' | 'store';

/** One conditional write. */
export interface Swap<Definition> {
  /** The mod revision that the key must have, 0 for its absence. */
  readonly base: Revision;
  /** What is there at that revision; undefined for a create. */
  readonly before: ObjectOf<Definition> | undefined;
  readonly next: ObjectOf<Definition>;
  /** The bytes that must be there too, where `before` can't be trusted. */
  readonly guard?: Uint8Array | undefined;
}

/** A write that is ready to be sent. */
export interface PreparedWrite<Definition> {
  readonly next: ObjectOf<Definition>;
  /** Admission brought the object back to what is stored: there is nothing to write. */
  readonly unchanged: boolean;
  readonly deletes: boolean;
  readonly compares: readonly Compare[];
  readonly change: Operation;
}

/** Above this the base isn't sent along for comparing: the object is read first instead. */
const GUARD_MAX_BYTES = 64 * 1024;

/**
 * Reads and conditionally writes single objects of one kind. Every write is one transaction that compares the key's
 * mod revision, and fetches what is there when the comparison fails.
 */
export class ObjectWriter<Definition extends AnyResourceDefinition> {
  readonly definition: Definition;
  readonly context: ClientContext;
  readonly codec: Codec<ObjectOf<Definition>>;
  /** How many objects come to a page of a list, by the largest one of the last list; undefined until there was one. */
  pageKeys: number | undefined;
  /** What a transformer makes of one value differs each time, so there is nothing to compare. */
  readonly #guardMaxBytes: number;

  constructor(definition: Definition, context: ClientContext) {
    this.definition = definition;
    this.context = context;
    const transformer = context.transformerOf(definition);
    this.codec = context.codecOf(definition);
    this.#guardMaxBytes = transformer ? 0 : GUARD_MAX_BYTES;
  }

  target(ref: ObjectRef): Target {
    return targetOf(this.definition, ref, this.context.prefix);
  }

  async read(target: Target, options: CallOptions): Promise<KeyValue | undefined> {
    const { kvs } = await this.context.store.range({ key: target.storeKey }, options);
    return kvs[0];
  }

  /** Puts an object where there must be none. */
  create(
    target: Target,
    object: ObjectOf<Definition>,
    options: WriteOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    return this.#swap(target, { base: 0n, before: undefined, next: object }, options);
  }

  /**
   * Writes what `revise` makes of `base`, if `base` is still current; nothing when it returns `base` itself, unless the
   * stored bytes are stale or it is to be on another lease; and nothing for no lease's sake when it returns nothing. A base that comes from the caller (a cached object, say) saves a read, and is compared in
   * the transaction byte for byte: when it isn't what is stored at its revision, `revise` is called again with what is.
   */
  async replace(
    target: Target,
    base: ObjectOf<Definition>,
    revise: (base: ObjectOf<Definition>) => ObjectOf<Definition> | undefined,
    options: WriteOptions & { readonly origin: BaseOrigin; readonly stored?: KeyValue | undefined },
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const revision = BigInt(base.metadata.resourceVersion);
    let { stored } = options;
    if (options.origin === 'caller') {
      const next = revise(base) ?? base;
      const guard = next === base ? undefined : this.codec.encode(base);
      let current: KeyValue | undefined;
      if (guard && guard.byteLength <= this.#guardMaxBytes) {
        const result = await this.#swap(target, { base: revision, before: base, next, guard }, options);
        if ('object' in result) return result;
        ({ current } = result);
      } else {
        current = await this.read(target, callOptions(options));
      }
      if (current?.modRevision !== revision) return { current };
      stored = current;
      base = this.codec.decode(current);
    }
    const made = revise(base);
    const next = made ?? base;
    const { lease } = options;
    const isOnAnother = made !== undefined && lease !== undefined && stored?.lease !== lease;
    if (next === base && !isOnAnother && !(stored && this.codec.isStale?.(stored))) return { object: base };
    return await this.#swap(target, { base: revision, before: base, next }, options);
  }

  /**
   * What is to be sent for a write, once admission has had its say: about changes, not about a rewrite of stale bytes. An
   * object whose deletion was asked for is deleted by the write that leaves it without finalizers.
   */
  async prepare(target: Target, write: Swap<Definition>, options: WriteOptions): Promise<PreparedWrite<Definition>> {
    const { storeKey: key, subject } = target;
    const { base, before, guard } = write;
    const { admission, clock } = this.context;
    const { dryRun = false, signal, lease } = options;
    const hooked = { definition: this.definition, subject, before, next: write.next, dryRun, signal, clock };
    const asks = admission.length > 0 && write.next !== before;
    const admitted = asks ? await runAdmission(admission, hooked) : write.next;
    const unchanged = admitted !== write.next && deepEqual(admitted, before);
    const next = this.#stamp(this.#withManagedFields(before, admitted, options));
    const deletes = isDeleting(next.metadata) && !next.metadata.finalizers?.length;
    const leased = lease !== undefined ? { lease } : base === 0n ? {} : { keepLease: true };
    const put = { key, value: this.codec.encode(next), ...leased };
    const compares: Compare[] = [{ key, target: 'mod', operator: '=', operand: base }];
    if (guard) compares.push({ key, target: 'value', operator: '=', operand: guard });
    return { next, unchanged, deletes, compares, change: deletes ? { delete: { key } } : { put } };
  }

  async #swap(
    target: Target,
    write: Swap<Definition>,
    options: WriteOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    if (!writeChannel.hasSubscribers) return this.#swapQuietly(target, write, options);
    const trace: WriteTrace = { kind: this.definition.kind, key: target.key };
    let result!: WriteResult<ObjectOf<Definition>>;
    // What the traced function resolves with is told too, so it must not be the object.
    await writeChannel.tracePromise(async () => {
      result = await this.#swapQuietly(target, write, options);
      if ('object' in result) trace.revision = BigInt(result.object.metadata.resourceVersion);
    }, trace);
    return result;
  }

  async #swapQuietly(
    target: Target,
    write: Swap<Definition>,
    options: WriteOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const { storeKey: key } = target;
    const prepared = await this.prepare(target, write, options);
    if (prepared.unchanged) return await this.#confirm(target, write, options);
    const { next, compares, change } = prepared;
    const request: TxnRequest = { compares, then: [change], else: [{ range: { key } }] };
    const call = callOptions(options);
    if (options.dryRun === true) return await this.#wouldWrite(target, write, request, next, call);
    try {
      const response = await this.context.store.txn(request, call);
      return response.succeeded ? this.written(target, next, response.revision) : { current: currentOf(response) };
    } catch (error) {
      if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
      return await this.#resolve(target, { base: write.base, ...prepared }, call, error);
    }
  }

  /** Nothing is to be written over `before`, if that is what is stored. */
  async #confirm(
    target: Target,
    { base, before, guard }: Swap<Definition>,
    options: WriteOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    if (!guard) return { object: before! };
    const current = await this.read(target, callOptions(options));
    const fits = current?.modRevision === base && Buffer.compare(guard, current.value) === 0;
    return fits ? { object: before! } : { current };
  }

  async #wouldWrite(
    target: Target,
    { base, guard }: Swap<Definition>,
    request: TxnRequest,
    next: ObjectOf<Definition>,
    call: CallOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    checkTxn(request);
    const current = await this.read(target, call);
    const fits = (current?.modRevision ?? 0n) === base && (!guard || Buffer.compare(guard, current!.value) === 0);
    if (!fits) return { current };
    return { object: { ...next, metadata: { ...next.metadata, resourceVersion: base === 0n ? '' : String(base) } } };
  }

  /** Where fields have owners, a write that is no apply (and so left their list alone) moves to its writer what it changes. */
  #withManagedFields(
    before: ObjectOf<Definition> | undefined,
    next: ObjectOf<Definition>,
    options: WriteOptions,
  ): ObjectOf<Definition> {
    const managed = before?.metadata.managedFields;
    if (!before || !managed?.length || next.metadata.managedFields !== managed) return next;
    const { manager = this.context.manager } = options;
    const time = timestamp(this.context.clock.wallNow());
    const managedFields = afterUpdate(managed, { before: fieldsOf(before), after: fieldsOf(next), manager, time });
    if (deepEqual(managedFields, managed)) return next;
    return { ...next, metadata: { ...next.metadata, managedFields } };
  }

  #stamp(object: ObjectOf<Definition>): ObjectOf<Definition> {
    return { ...object, metadata: { ...object.metadata, writeId: this.context.random.uuid() } };
  }

  /** The object at its new revision, after its listener was told. */
  written(target: Target, object: ObjectOf<Definition>, revision: Revision): { readonly object: ObjectOf<Definition> } {
    this.context.onWrite?.(this.definition, target.key, revision);
    return { object: { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } } };
  }

  async #resolve(
    target: Target,
    write: { readonly base: Revision; readonly next: ObjectOf<Definition>; readonly deletes: boolean },
    call: CallOptions,
    cause: unknown,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const outcome = await this.outcomeOf(target, write, call);
    if (outcome.state === 'applied') return this.written(target, write.next, outcome.revision);
    if (outcome.state === 'not-applied') return { current: outcome.current };
    throw outcomeUnknown(target, cause);
  }

  /** What became of a write whose answer was lost. */
  outcomeOf(
    target: Target,
    write: { readonly base: Revision; readonly next: ObjectOf<Definition>; readonly deletes: boolean },
    call: CallOptions,
  ): Promise<WriteOutcome> {
    const { store, clock } = this.context;
    const { base, next, deletes } = write;
    const ours = ({ type, kv }: { readonly type: 'put' | 'delete'; readonly kv: KeyValue }): boolean => {
      if (type === 'delete' || deletes) return type === 'delete' && deletes;
      const found = this.#decodeOrNothing(kv)?.metadata;
      return base === 0n ? found?.uid === next.metadata.uid : found?.writeId === next.metadata.writeId;
    };
    return resolveOutcome(store, { key: target.storeKey, base, ours }, { ...call, clock });
  }

  #decodeOrNothing(kv: KeyValue): ObjectOf<Definition> | undefined {
    try {
      return this.codec.decode(kv);
    } catch (error) {
      if (isSetpointError(error, 'Invalid')) return undefined;
      throw error;
    }
  }
}

function currentOf(response: TxnResponse): KeyValue | undefined {
  const [answer] = response.responses;
  return answer && 'range' in answer ? answer.range.kvs[0] : undefined;
}
