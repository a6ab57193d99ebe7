import {
  type AnyResourceDefinition,
  type CommonStatus,
  type DeepReadonly,
  deepEqual,
  hasFinalizer,
  invalid,
  invalidBecause,
  isDeleting,
  kindOf,
  type ObjectMeta,
  type ObjectOf,
  type StatusOf,
  timestamp,
  withFinalizer,
  withoutFinalizer,
} from '../resource/index.ts';
import type { CallOptions } from '../store/index.ts';
import { alreadyExists, conflict, notFound, otherIncarnation } from './client-errors.ts';
import { type ListOptions, listObjects, type ObjectList } from './list-objects.ts';
import {
  APPLY_FIELDS,
  type ApplyInput,
  CHANGE_FIELDS,
  checkFields,
  INPUT_FIELDS,
  type ObjectChanges,
  type ObjectInput,
} from './object-input.ts';
import type { ObjectRef, Target } from './object-ref.ts';
import type { ObjectWriter, WriteResult } from './object-writer.ts';
import { callOptions, readRange, type ReadOptions } from './read-options.ts';
import { replaceOnce, replaceUntilDone } from './replace-loop.ts';
import { changesOf, changesToApply, revise, reviseStatus } from './revise.ts';
import { checkReplicas, type Scale, scaledSpec, scaleOf } from './scale.ts';
import { type ObjectEvent, watchObjects, type WatchObjectsOptions } from './watch-objects.ts';

/** A status as it is written: the kind's own fields, conditions and `observedGeneration`. */
export type StatusInput<Definition> = DeepReadonly<StatusOf<Definition> & CommonStatus>;

export interface ModifyOptions extends CallOptions {
  /** How often to try when others keep writing first. Default 30, over about fifteen seconds. */
  readonly attempts?: number;
}

export interface DeleteOptions extends ModifyOptions {
  /** Deletes this incarnation only. Default: the one of the object that was passed, if it was an object. */
  readonly uid?: string | undefined;
  /** Deletes this version only. */
  readonly resourceVersion?: string | undefined;
}

export interface ApplyOptions<Definition> extends ModifyOptions {
  /**
   * The object as a cache has it. Saves the read: when nothing differs from it, it is returned, as fresh as the cache
   * is; when something does, the write is based on it, and on what is stored if that has moved on.
   */
  readonly from?: ObjectOf<Definition> | undefined;
}

/** Far more than client-go's 5, which a dozen busy writers of one object use up. */
const ATTEMPTS = 30;

/**
 * Typed reads and writes of one kind's objects, straight from and to the store.
 *
 * Every write is conditional on the version it is based on, and returns the object at its new `resourceVersion`. When
 * nothing would change nothing is written. All calls fail with `Invalid` for bad input, and with what the store says:
 * `TooLarge` before anything is sent, `Unavailable`, `LockLost` or `Closed` from a fenced store, … A write without an
 * answer is resolved by reading; only what can't be told ends as `OutcomeUnknown`. No write is ever sent twice.
 */
export class ResourceClient<Definition extends AnyResourceDefinition> {
  readonly definition: Definition;
  readonly #writer: ObjectWriter<Definition>;

  /** Made by `client.resource(Definition)`. */
  constructor(writer: ObjectWriter<Definition>) {
    this.definition = writer.definition;
    this.#writer = writer;
  }

  /** Reads an object. Throws `NotFound`. */
  async get(ref: ObjectRef, options: ReadOptions = {}): Promise<ObjectOf<Definition>> {
    const object = await this.find(ref, options);
    if (!object) throw notFound(this.#writer.target(ref));
    return object;
  }

  /** Reads an object; undefined when there is none. */
  async find(ref: ObjectRef, options: ReadOptions = {}): Promise<ObjectOf<Definition> | undefined> {
    const { kvs } = await readRange(this.#writer.context, { key: this.#writer.target(ref).storeKey }, options);
    return kvs[0] && this.#writer.codec.decode(kvs[0]);
  }

  /** Reads objects at one revision: all, those selected, or one page of them. */
  list(options: ListOptions = {}): Promise<ObjectList<Definition>> {
    return listObjects(this.#writer, options);
  }

  /** Follows objects: what is there and what happens to it, until the signal aborts. See {@link ObjectEvent}. */
  watch(options: WatchObjectsOptions = {}): AsyncIterable<ObjectEvent<Definition>> {
    return watchObjects(this.#writer, options);
  }

  /** How many an object asks for, for kinds with a `scale`. Throws `NotFound`, `Invalid`. */
  async getScale(ref: ObjectRef, options: ReadOptions = {}): Promise<Scale> {
    return scaleOf(this.definition, await this.get(ref, options), this.#writer.target(ref).subject);
  }

  /** Asks for so many, of a kind with a `scale`; nothing else of the object changes. */
  async scale(ref: ObjectRef | ObjectOf<Definition>, replicas: number, options: ModifyOptions = {}): Promise<Scale> {
    const { subject } = this.#writer.target(ref);
    checkReplicas(replicas, subject);
    const change = (base: ObjectOf<Definition>): ObjectChanges<Definition> => ({
      spec: scaledSpec(this.definition, base, replicas, subject) as ObjectChanges<Definition>['spec'],
    });
    return scaleOf(this.definition, await this.modify(ref, change, options), subject);
  }

  /** Stores a new object, with a new uid. Throws `AlreadyExists`. */
  async create(input: ObjectInput<Definition>, options: CallOptions = {}): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(input);
    checkFields(input, INPUT_FIELDS, target.subject);
    const result = await this.#writer.create(target, this.#newObject(target, input), options);
    if ('object' in result) return result.object;
    throw alreadyExists(target, result.current?.modRevision);
  }

  /**
   * Writes spec and metadata, if the object is still at the `resourceVersion` it was read at: either `changes` to an
   * object as it was read, or an edited copy of it as a whole. Throws `Conflict` when somebody else wrote it since.
   */
  async update(
    object: ObjectOf<Definition>,
    changes?: ObjectChanges<Definition>,
    options: CallOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(object);
    if (changes) checkFields(changes, CHANGE_FIELDS, target.subject);
    return await replaceOnce(this.#writer, { target, from: object, call: options }, (base) => {
      const { subject } = target;
      if (changes && !deepEqual(base.spec, object.spec)) {
        throw invalidBecause(
          subject,
          'spec',
          'changes were given for a copy that was edited too. Pass one or the other',
        );
      }
      return revise(this.definition, base, changes ?? changesOf(object, base, subject), { subject });
    });
  }

  /** Writes the status alone, on the same condition. Conditions that are left out go. */
  async updateStatus(
    object: ObjectOf<Definition>,
    status: StatusInput<Definition>,
    options: CallOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(object);
    const change = (base: ObjectOf<Definition>): ObjectOf<Definition> =>
      reviseStatus(this.definition, base, status, target.subject);
    return await replaceOnce(this.#writer, { target, from: object, call: options }, change);
  }

  /**
   * Reads, changes and writes spec and metadata, again and again with jittered delays while others write in between.
   * `change` returns changes, an edited copy, or undefined to leave the object alone; it may run many times and must
   * have no side effects. Passing an object, from a cache say, saves the first read and means this incarnation only.
   * Throws `NotFound`, and `Conflict` when all attempts are used up.
   */
  async modify(
    ref: ObjectRef | ObjectOf<Definition>,
    change: (current: ObjectOf<Definition>) => ObjectChanges<Definition> | ObjectOf<Definition> | undefined,
    options: ModifyOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(ref);
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      const { subject } = target;
      const changed = change(base);
      if (changed === undefined || changed === base) return base;
      if ('metadata' in changed) return revise(this.definition, base, changesOf(changed, base, subject), { subject });
      checkFields(changed, CHANGE_FIELDS, subject);
      return revise(this.definition, base, changed, { subject });
    });
  }

  /** {@link modify} for the status. `change` gets the current object and returns its new status, or undefined. */
  async modifyStatus(
    ref: ObjectRef | ObjectOf<Definition>,
    change: (current: ObjectOf<Definition>) => StatusInput<Definition> | undefined,
    options: ModifyOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(ref);
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      const status = change(base);
      return status === undefined ? base : reviseStatus(this.definition, base, status, target.subject);
    });
  }

  /**
   * Creates the object, or brings it to this: its spec becomes this one, the given labels, annotations, owners and
   * finalizers are added, those of others stay. Fields of the spec that the schema doesn't know stay as well. Throws
   * `Conflict` when another owner controls it.
   */
  async apply(input: ApplyInput<Definition>, options: ApplyOptions<Definition> = {}): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(input);
    checkFields(input, APPLY_FIELDS, target.subject);
    const revised = (base: ObjectOf<Definition>): ObjectOf<Definition> => {
      const changes = changesToApply(base.metadata, input);
      return revise(this.definition, base, changes, { subject: target.subject, keepUnknown: true });
    };
    if (options.from && revised(options.from) === options.from) return options.from;
    const create = async (): Promise<WriteResult<ObjectOf<Definition>>> => {
      const { owner: _, ...own } = input;
      const changes = changesToApply<Definition>(target.name, input);
      const object = this.#newObject(target, { ...own, ...changes, spec: input.spec });
      return await this.#writer.create(target, object, callOptions(options));
    };
    return await replaceUntilDone(this.#writer, { target, from: options.from, ...retryOf(options), create }, revised);
  }

  /**
   * Deletes an object. With finalizers left it only gets its `deletionTimestamp`, and goes with the last of them.
   * Returns it as it was last, at the revision of the write; it is gone when it has no finalizers. Throws `NotFound`,
   * and `Conflict` when uid or version aren't the given ones.
   */
  async delete(ref: ObjectRef | ObjectOf<Definition>, options: DeleteOptions = {}): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(ref);
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      const { uid, resourceVersion } = base.metadata;
      if (options.uid !== undefined && options.uid !== uid) throw otherIncarnation(target, options.uid, uid);
      if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
        throw conflict(target, options.resourceVersion, BigInt(resourceVersion));
      }
      if (isDeleting(base.metadata)) return base;
      const deletionTimestamp = timestamp(this.#writer.context.clock.wallNow());
      return { ...base, metadata: { ...base.metadata, deletionTimestamp } };
    });
  }

  /** Makes deletes wait until the finalizer is removed. Throws `Invalid` when the object is being deleted already. */
  addFinalizer(
    ref: ObjectRef | ObjectOf<Definition>,
    finalizer: string,
    options: ModifyOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const change = ({ metadata }: { readonly metadata: ObjectMeta }): ObjectChanges<Definition> | undefined =>
      hasFinalizer(metadata, finalizer) ? undefined : { finalizers: withFinalizer(metadata, finalizer) };
    return this.modify(ref, change, options);
  }

  /** Lets go of an object. Removing the last finalizer of one that is being deleted deletes it in the same write. */
  removeFinalizer(
    ref: ObjectRef | ObjectOf<Definition>,
    finalizer: string,
    options: ModifyOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const change = ({ metadata }: { readonly metadata: ObjectMeta }): ObjectChanges<Definition> | undefined =>
      hasFinalizer(metadata, finalizer) ? { finalizers: withoutFinalizer(metadata, finalizer) } : undefined;
    return this.modify(ref, change, options);
  }

  #newObject(target: Target, input: ObjectInput<Definition>): ObjectOf<Definition> {
    if (input.spec === undefined) throw invalid(target.subject, 'spec', 'an object', kindOf(input.spec));
    const { apiVersion, kind } = this.definition;
    const { clock, random } = this.#writer.context;
    const metadata: ObjectMeta = {
      ...target.name,
      uid: random.uuid(),
      resourceVersion: '',
      generation: 0,
      creationTimestamp: timestamp(clock.wallNow()),
    };
    // From nothing to the input is one change of the spec, so that validation and generation have one place.
    const blank = { apiVersion, kind, metadata, spec: undefined } as ObjectOf<Definition>;
    return revise(this.definition, blank, input, { subject: target.subject });
  }
}

function retryOf(options: ModifyOptions): { readonly call: CallOptions; readonly attempts: number } {
  return { call: callOptions(options), attempts: options.attempts ?? ATTEMPTS };
}

/** A reference that is a whole object serves as the first base. */
function givenObject<Definition>(ref: ObjectRef | ObjectOf<Definition>): ObjectOf<Definition> | undefined {
  return typeof ref === 'object' && 'metadata' in ref && 'spec' in ref ? ref : undefined;
}
