import {
  type AnyResourceDefinition,
  deepEqual,
  fieldsOf,
  hasFinalizer,
  invalid,
  invalidBecause,
  kindOf,
  type ObjectMeta,
  type ObjectOf,
  plainJson,
  type Subject,
  timestamp,
  withFinalizer,
  withoutFinalizer,
} from '../resource/index.ts';
import type { CallOptions } from '../store/index.ts';
import { applyFields } from './apply-fields.ts';
import { checkFunction, givenObject, madeBy, refuseReference } from './caller-input.ts';
import { alreadyExists, notFound } from './client-errors.ts';
import {
  deleteCollection,
  type DeleteCollectionOptions,
  type DeletedCollection,
  deleteObject,
  refuseOther,
} from './delete-object.ts';
import { type ListOptions, listObjects, type ObjectList } from './list-objects.ts';
import { blankObject, named, newObject } from './new-object.ts';
import { type ObjectHistory, objectHistory } from './object-history.ts';
import {
  APPLY_FIELDS,
  type ApplyInput,
  CHANGE_FIELDS,
  checkFields,
  type CreateInput,
  type FieldsInput,
  INPUT_FIELDS,
  type ObjectChanges,
  type StatusInput,
} from './object-input.ts';
import type { ObjectRef } from './object-ref.ts';
import { checkOptions, OPTIONS } from './option-names.ts';
import type { ObjectWriter, WriteResult } from './object-writer.ts';
import {
  type JsonPatchOperation,
  merged,
  type ObjectPatch,
  patched,
  revisePatched,
  type StatusPatch,
} from './patch-object.ts';
import { readRange, type ReadOptions } from './read-options.ts';
import { replaceOnce, replaceUntilDone } from './replace-loop.ts';
import { changesOf, changesToApply, ownParts, revise, reviseStatus } from './revise.ts';
import { rewriteStale } from './rewrite-stale.ts';
import { checkReplicas, type Scale, scaledSpec, scaleOf } from './scale.ts';
import type { SelectOptions } from './selection.ts';
import { type ObjectEvent, watchObjects, type WatchObjectsOptions } from './watch-objects.ts';
import {
  type ApplyFieldsOptions,
  type ApplyOptions,
  checkManager,
  type DeleteOptions,
  type ModifyOptions,
  type PatchOptions,
  retryOf,
  writeOptions,
  type WriteOptions,
} from './write-options.ts';

/** More would mean that nearly all of 14 million names are taken. */
const NAMES_TRIED_MAX = 8;

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
    const { storeKey: key, subject } = this.#writer.target(ref);
    checkOptions(options, OPTIONS.read, subject);
    const { kvs } = await readRange(this.#writer.context, { key }, options);
    return kvs[0] && this.#writer.codec.decode(kvs[0]);
  }

  /** Reads objects at one revision: all, those selected, or one page of them. */
  async list(options: ListOptions = {}): Promise<ObjectList<Definition>> {
    checkOptions(options, OPTIONS.list, { what: `List of ${this.definition.kind}` });
    return await listObjects(this.#writer, options);
  }

  /** Follows objects: what is there and what happens to it, until the signal aborts. See {@link ObjectEvent}. */
  watch(options: WatchObjectsOptions = {}): AsyncIterable<ObjectEvent<Definition>> {
    checkOptions(options, OPTIONS.watch, { what: `Watch of ${this.definition.kind}` });
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

  /**
   * Stores a new object, with a new uid. Throws `AlreadyExists`; with `generateName` other names are tried before.
   */
  async create(input: CreateInput<Definition>, options: WriteOptions = {}): Promise<ObjectOf<Definition>> {
    for (let attempt = 1; ; attempt++) {
      const own = named(input, this.#writer.context.random, { what: this.definition.kind });
      const target = this.#writer.target(own);
      checkFields(own, INPUT_FIELDS, target.subject);
      checkOptions(options, OPTIONS.write, target.subject);
      const object = newObject(this.#writer, target, own);
      const result = await this.#writer.create(target, object, writeOptions(options));
      if ('object' in result) return result.object;
      const again = input.name === undefined && attempt < NAMES_TRIED_MAX;
      if (!again) throw alreadyExists(target, result.current?.modRevision);
    }
  }

  /**
   * Writes spec and metadata, if the object is still at the `resourceVersion` it was read at: either `changes` to an
   * object as it was read, or an edited copy of it as a whole. Throws `Conflict` when somebody else wrote it since.
   */
  async update(
    object: ObjectOf<Definition>,
    changes?: ObjectChanges<Definition>,
    options: WriteOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(object);
    refuseReference(object, target.subject);
    checkOptions(options, OPTIONS.write, target.subject);
    if (changes !== undefined) checkFields(changes, CHANGE_FIELDS, target.subject);
    const call = writeOptions(options);
    if (this.definition.unconditionalUpdate === true && !object.metadata.resourceVersion) {
      return await this.modify({ ...target.name }, () => changes ?? ownParts(object), options);
    }
    return await replaceOnce(this.#writer, { target, from: object, call }, (base) => {
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
    options: WriteOptions = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(object);
    refuseReference(object, target.subject);
    checkOptions(options, OPTIONS.write, target.subject);
    const call = writeOptions(options);
    const change = (base: ObjectOf<Definition>): ObjectOf<Definition> =>
      reviseStatus(this.definition, base, status, target.subject);
    return await replaceOnce(this.#writer, { target, from: object, call }, change);
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
    checkOptions(options, OPTIONS.modify, target.subject);
    checkFunction(change, target.subject);
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      const { subject } = target;
      const changed = madeBy(change, base, subject);
      if (changed === undefined) return undefined;
      if (changed === base) return base;
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
    checkOptions(options, OPTIONS.modify, target.subject);
    checkFunction(change, target.subject);
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      const status = madeBy(change, base, target.subject);
      return status && reviseStatus(this.definition, base, status, target.subject);
    });
  }

  /**
   * Changes some fields by a merge patch (RFC 7386): what is given is set, null takes a field away, lists are set as a
   * whole. With `{ subresource: 'status' }` it is one of the status. Throws `NotFound`, and `Conflict` where uid or
   * version aren't those of the options.
   */
  async patch(
    ref: ObjectRef | ObjectOf<Definition>,
    patch: ObjectPatch<Definition> | StatusPatch<Definition>,
    options: PatchOptions = {},
  ): Promise<ObjectOf<Definition>> {
    return await this.#patch(ref, options, (base, subject) => merged(base, patch, subject));
  }

  /** The same by a JSON patch (RFC 6902), all of it or nothing. Throws `Conflict` when a `test` in it fails. */
  async patchJson(
    ref: ObjectRef | ObjectOf<Definition>,
    operations: readonly JsonPatchOperation[],
    options: PatchOptions = {},
  ): Promise<ObjectOf<Definition>> {
    return await this.#patch(ref, options, (base, subject) => patched(base, operations, subject));
  }

  /**
   * Brings about the fields that a manager is responsible for, and only these: creates the object with them, or sets
   * them; those that it applied before and leaves out now go, unless somebody else owns them too. Throws `Conflict`,
   * naming fields and owners, where somebody else owns one with another value, and `force` isn't given.
   */
  async applyFields(input: FieldsInput<Definition>, options: ApplyFieldsOptions): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(input);
    const { subject } = target;
    checkFields(input, INPUT_FIELDS, subject);
    checkOptions(options, OPTIONS.applyFields, subject);
    checkManager(options.manager);
    const { name: _, namespace: __, spec, ...metadata } = input;
    const wanted = fieldsOf({ metadata, spec: spec === undefined ? undefined : plainJson(spec, subject, 'spec') });
    const { manager, force = false } = options;
    const revised = (base: ObjectOf<Definition>): ObjectOf<Definition> => {
      const time = timestamp(this.#writer.context.clock.wallNow());
      return applyFields(this.definition, base, { manager, force, wanted, time }, target);
    };
    const create = (): Promise<WriteResult<ObjectOf<Definition>>> =>
      this.#writer.create(target, revised(blankObject(this.#writer, target)), writeOptions(options));
    return await replaceUntilDone(this.#writer, { target, from: undefined, ...retryOf(options), create }, revised);
  }

  /**
   * Creates the object, or brings it to this: its spec becomes this one, the given labels, annotations, owners and
   * finalizers are added, those of others stay. Fields of the spec that the schema doesn't know stay as well. Throws
   * `Conflict` when another owner controls it.
   */
  async apply(input: ApplyInput<Definition>, options: ApplyOptions<Definition> = {}): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(input);
    checkFields(input, APPLY_FIELDS, target.subject);
    checkOptions(options, OPTIONS.apply, target.subject);
    if (input.spec === undefined) throw invalid(target.subject, 'spec', 'an object', 'nothing');
    const revised = (base: ObjectOf<Definition>): ObjectOf<Definition> => {
      const changes = changesToApply(base.metadata, input);
      return revise(this.definition, base, changes, { subject: target.subject, keepUnknown: true });
    };
    // A cached object doesn't say which lease it is on.
    const isDone = options.lease === undefined && options.from && revised(options.from) === options.from;
    if (isDone) return options.from;
    const create = async (): Promise<WriteResult<ObjectOf<Definition>>> => {
      const { owner: _, ...own } = input;
      const changes = changesToApply<Definition>(target.name, input);
      const object = newObject(this.#writer, target, { ...own, ...changes, spec: input.spec });
      return await this.#writer.create(target, object, writeOptions(options));
    };
    return await replaceUntilDone(this.#writer, { target, from: options.from, ...retryOf(options), create }, revised);
  }

  /**
   * Deletes an object. With finalizers left it only gets its `deletionTimestamp`, and goes with the last of them.
   * Returns it as it was last, at the revision of the write; it is gone when it has no finalizers. Throws `NotFound`,
   * and `Conflict` when uid or version aren't the given ones.
   */
  async delete(
    ref: ObjectRef | ObjectOf<Definition>,
    options: DeleteOptions<Definition> = {},
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(ref);
    checkOptions(options, OPTIONS.delete, target.subject);
    return await deleteObject(this.#writer, { target, from: givenObject(ref) }, options);
  }

  /** Deletes every object that is selected: {@link ResourceClient.delete} for each, without a promise for all. */
  async deleteCollection(options: DeleteCollectionOptions = {}): Promise<DeletedCollection<Definition>> {
    checkOptions(options, OPTIONS.deleteCollection, { what: `Delete of ${this.definition.kind}` });
    return await deleteCollection(this.#writer, options);
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

  /** Every version of an object that the store remembers, also of a deleted one, and what changed in each. */
  async history(ref: ObjectRef, options: CallOptions = {}): Promise<ObjectHistory<Definition>> {
    checkOptions(options, OPTIONS.call, this.#writer.target(ref).subject);
    return await objectHistory(this.#writer, this.#writer.target(ref), options);
  }

  /**
   * Writes every object again whose stored bytes are not what they would be now: after the secret of a transformer or
   * the storage version of the kind has changed. Says how many it wrote.
   */
  async rewriteStale(options: SelectOptions & ModifyOptions = {}): Promise<number> {
    checkOptions(options, OPTIONS.rewrite, { what: `Rewrite of ${this.definition.kind}` });
    return await rewriteStale(this.#writer, options);
  }

  async #patch(
    ref: ObjectRef | ObjectOf<Definition>,
    options: PatchOptions,
    apply: (base: ObjectOf<Definition>, subject: Subject) => unknown,
  ): Promise<ObjectOf<Definition>> {
    const target = this.#writer.target(ref);
    const { subject } = target;
    const { subresource } = options;
    checkOptions(options, OPTIONS.patch, subject);
    if (subresource !== undefined && subresource !== 'status') {
      throw invalid(subject, 'options.subresource', '"status", or nothing', kindOf(subresource));
    }
    return await replaceUntilDone(this.#writer, { target, from: givenObject(ref), ...retryOf(options) }, (base) => {
      refuseOther(target, base, options);
      return revisePatched(this.definition, base, apply(base, subject), { subject, subresource });
    });
  }
}
