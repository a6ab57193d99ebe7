/**
 * # Client
 *
 * Typed reads and writes of objects over any Store. It reads from the store itself, never from a cache: who wants
 * cached reads uses an informer's lister, so that a reader of the code sees which one it is.
 *
 * It promises: no update is lost, since every write is one transaction on condition of the version it is based on;
 * spec and status can't change each other; `generation` counts changes of the spec; a delete with finalizers left only
 * marks, and the write that removes the last one deletes; a write that changes nothing isn't made; and a write whose
 * answer was lost is told by reading whether it was applied, or reported as `OutcomeUnknown`, and never sent again.
 *
 * ```ts
 * const websites = createClient({ store }).resource(Website);
 * const web = await websites.create({ name: 'web', spec: { message: 'hello' } });
 * await websites.update(web, { labels: { tier: 'front' } }); // Conflict if somebody else wrote it since
 * await websites.modify('default/web', ({ spec }) => ({ spec: { ...spec, replicas: spec.replicas + 1 } }));
 * await websites.apply({ name: 'web', spec: { message: 'hello', replicas: 3 } }); // creates it, or brings it to this
 * await websites.delete('default/web');
 * for await (const event of websites.watch({ labelSelector: 'tier=front' })) console.log(event.type);
 * ```
 *
 * Next: `resource-client.ts`, then `object-writer.ts`, where every write goes through
 */
export { type AdmissionHook, type AdmissionOptions, type AdmissionRequest, admit } from './admission.ts';
export { applyChildren, type ApplyChildrenOptions, type ChildrenScope } from './apply-children.ts';
export { type Child, child, type ChildChange, type ChildInput, type ChildrenReport } from './children.ts';
export { type Client, type ClientMaker, clientMaker, type ClientOptions, createClient } from './client.ts';
export type { DeleteCollectionOptions, DeletedCollection } from './delete-object.ts';
export { type ExpectationWait, Expectations, type FollowingCache } from './expectations.ts';
export type { ListOptions, ObjectList } from './list-objects.ts';
export type { ObjectHistory, ObjectVersion } from './object-history.ts';
export type {
  ApplyInput,
  CreateInput,
  FieldsInput,
  ObjectChanges,
  ObjectInput,
  Partially,
  StatusInput,
} from './object-input.ts';
export { DEFAULT_NAMESPACE, type ObjectRef } from './object-ref.ts';
export type { WriteListener } from './object-writer.ts';
export type { JsonPatchOperation, ObjectPatch, StatusPatch } from './patch-object.ts';
export type { ReadOptions } from './read-options.ts';
export type { ResourceClient } from './resource-client.ts';
export { retryOnConflict, type RetryOnConflictOptions } from './retry-on-conflict.ts';
export type { Scale } from './scale.ts';
export type { SelectOptions } from './selection.ts';
export type { Transaction, TransactionResource, TransactionResult } from './transaction.ts';
export type { ObjectEvent, WatchObjectsOptions } from './watch-objects.ts';
export type {
  ApplyFieldsOptions,
  ApplyOptions,
  DeleteOptions,
  ModifyOptions,
  PatchOptions,
  Preconditions,
  Propagation,
  WriteOptions,
} from './write-options.ts';
