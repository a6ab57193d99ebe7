import { isSetpointError } from '../errors/index.ts';
import type { Clock } from '../internal/clock.ts';
import { writeChannel, type WriteTrace } from '../internal/diagnostics.ts';
import type { Random } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  type Codec,
  isDeleting,
  type ObjectKey,
  type ObjectOf,
  resourceCodec,
} from '../resource/index.ts';
import {
  type CallOptions,
  type Compare,
  type KeyValue,
  type Operation,
  resolveOutcome,
  type Revision,
  type Store,
  type TxnResponse,
} from '../store/index.ts';
import { outcomeUnknown } from './client-errors.ts';
import { targetOf, type ObjectRef, type Target } from './object-ref.ts';

/** Told of every acknowledged write: its kind, key and revision. Must not throw. */
export type WriteListener = (definition: AnyResourceDefinition, key: ObjectKey, revision: Revision) => void;

/** Everything that the objects of one client share. */
export interface ClientContext {
  readonly store: Store;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onWrite: WriteListener | undefined;
}

/** What became of one conditional write: the new object, or what stands in its way (undefined: it is gone). */
export type WriteResult<T> = { readonly object: T } | { readonly current: KeyValue | undefined };

/** One write to make: of `next`, where `base` is, and `guard` are its bytes if it isn't known that they are. */
interface Swap<Definition extends AnyResourceDefinition> {
  readonly base: Revision;
  readonly next: ObjectOf<Definition>;
  readonly guard: Uint8Array | undefined;
}

/** How far `base` can be trusted to be what is stored at its revision. */
export type BaseOrigin = 'caller' | 'store';

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

  constructor(definition: Definition, context: ClientContext) {
    this.definition = definition;
    this.context = context;
    this.codec = resourceCodec(definition, context.prefix);
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
    options: CallOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    return this.#swap(target, { base: 0n, next: object, guard: undefined }, options);
  }

  /**
   * Writes what `revise` makes of `base`, if `base` is still current; nothing when it returns `base` itself. A base
   * that comes from the caller (a cached object, say) saves a read, and is compared in the transaction byte for byte:
   * when it isn't what is stored at its revision, `revise` is called again with what is.
   */
  async replace(
    target: Target,
    base: ObjectOf<Definition>,
    revise: (base: ObjectOf<Definition>) => ObjectOf<Definition>,
    options: CallOptions & { readonly origin: BaseOrigin },
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const revision = BigInt(base.metadata.resourceVersion);
    if (options.origin === 'caller') {
      const next = revise(base);
      const guard = next === base ? undefined : this.codec.encode(base);
      let current: KeyValue | undefined;
      if (guard && guard.byteLength <= GUARD_MAX_BYTES) {
        const result = await this.#swap(target, { base: revision, next, guard }, options);
        if ('object' in result) return result;
        ({ current } = result);
      } else {
        current = await this.read(target, options);
      }
      if (current?.modRevision !== revision) return { current };
      base = this.codec.decode(current);
    }
    const next = revise(base);
    return next === base ? { object: base } : this.#swap(target, { base: revision, next, guard: undefined }, options);
  }

  async #swap(
    target: Target,
    write: Swap<Definition>,
    options: CallOptions,
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

  /** An object whose deletion was asked for is deleted by the write that leaves it without finalizers. */
  async #swapQuietly(
    target: Target,
    write: Swap<Definition>,
    options: CallOptions,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const { storeKey: key } = target;
    const next = this.#stamp(write.next);
    const deletes = isDeleting(next.metadata) && !next.metadata.finalizers?.length;
    const change: Operation = deletes ? { delete: { key } } : { put: { key, value: this.codec.encode(next) } };
    const compares: Compare[] = [{ key, target: 'mod', operator: '=', operand: write.base }];
    if (write.guard) compares.push({ key, target: 'value', operator: '=', operand: write.guard });
    try {
      const response = await this.context.store.txn({ compares, then: [change], else: [{ range: { key } }] }, options);
      return response.succeeded ? this.#written(target, next, response.revision) : { current: currentOf(response) };
    } catch (error) {
      if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
      return await this.#resolve(target, { base: write.base, next, deletes }, options, error);
    }
  }

  #stamp(object: ObjectOf<Definition>): ObjectOf<Definition> {
    return { ...object, metadata: { ...object.metadata, writeId: this.context.random.uuid() } };
  }

  #written(target: Target, object: ObjectOf<Definition>, revision: Revision): WriteResult<ObjectOf<Definition>> {
    this.context.onWrite?.(this.definition, target.key, revision);
    return { object: { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } } };
  }

  async #resolve(
    target: Target,
    write: { readonly base: Revision; readonly next: ObjectOf<Definition>; readonly deletes: boolean },
    options: CallOptions,
    cause: unknown,
  ): Promise<WriteResult<ObjectOf<Definition>>> {
    const { store, clock } = this.context;
    const { base, next, deletes } = write;
    const ours = ({ type, kv }: { readonly type: 'put' | 'delete'; readonly kv: KeyValue }): boolean => {
      if (type === 'delete' || deletes) return type === 'delete' && deletes;
      const found = this.#decodeOrNothing(kv)?.metadata;
      return base === 0n ? found?.uid === next.metadata.uid : found?.writeId === next.metadata.writeId;
    };
    const outcome = await resolveOutcome(store, { key: target.storeKey, base, ours }, { ...options, clock });
    if (outcome.state === 'applied') return this.#written(target, next, outcome.revision);
    if (outcome.state === 'not-applied') return { current: outcome.current };
    throw outcomeUnknown(target, cause);
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
