/**
 * # Resources
 *
 * What the library is about, as data and pure functions: a kind (its names and schemas), the objects of a kind, their
 * keys in the store and their bytes. Nothing here does I/O or keeps state.
 *
 * It promises that a key is made from valid names only and names exactly one object; that whatever bytes a store holds,
 * decoding them gives a valid object or an `Invalid` error that says what is wrong without quoting it; and that writing
 * an object back loses no field, known or not.
 *
 * ```ts
 * const Website = defineResource({
 *   group: 'demo.dev', version: 'v1', kind: 'Website', plural: 'websites',
 *   spec: z.object({ replicas: z.int().default(1), message: z.string() }),
 * });
 * storeKey(Website, { namespace: 'default', name: 'web' }); // '/registry/websites/default/web'
 * const website = resourceCodec(Website).decode(kv); // website.spec.replicas: number
 * ```
 *
 * Next: `define-resource.ts`, then `key.ts` and `codec.ts`
 */
export { type Codec, jsonCodec, resourceCodec, type StoredValue, textCodec } from './codec.ts';
export {
  type ConditionInput,
  findCondition,
  isConditionTrue,
  removeCondition,
  setCondition,
  validateConditions,
} from './conditions.ts';
export { defineResource, type ResourceOptions } from './define-resource.ts';
export type {
  AnyResourceDefinition,
  CommonStatus,
  Conversion,
  DeepReadonly,
  ObjectOf,
  ResourceDefinition,
  ResourceObject,
  ScalePaths,
  Scope,
  SpecInputOf,
  SpecOf,
  StatusOf,
  UnknownFields,
  VersionSet,
} from './definition.ts';
export { invalid, invalidBecause, kindOf, quote, type Subject } from './describe.ts';
export { type Difference, differences } from './differences.ts';
export { clone, deepEqual, deepFreeze } from './equality.ts';
export { type FieldSelector, fieldSelector, type ObjectPredicate } from './field-selector.ts';
export {
  FOREGROUND_FINALIZER,
  hasFinalizer,
  isDeleting,
  ORPHAN_FINALIZER,
  validateFinalizers,
  withFinalizer,
  withoutFinalizer,
} from './finalizers.ts';
export { resourceJsonSchema } from './json-schema.ts';
export {
  DEFAULT_PREFIX,
  keyPrefix,
  type ObjectKey,
  objectKey,
  type ObjectName,
  parseObjectKey,
  parseStoreKey,
  storeKey,
  validatePrefix,
} from './key.ts';
export {
  isDnsLabel,
  isDnsSubdomain,
  isQualifiedName,
  validateAnnotations,
  validateLabels,
  validateName,
  validateNamespace,
  validateQualifiedName,
} from './names.ts';
export {
  afterUpdate,
  type FieldMap,
  fieldsOf,
  objectOfFields,
  overlaps,
  pathOf,
  withFields,
} from './managed-fields.ts';
export { type MergePatch, mergePatch, mergePatchBetween } from './merge-patch.ts';
export { nearestName } from './nearest-name.ts';
export { checkOptionNames } from './option-names.ts';
export type { Condition, ManagedFields, ObjectMeta, OwnerReference } from './object-meta.ts';
export {
  controllerOf,
  ownerReferenceTo,
  type OwnerReferenceOptions,
  setControllerReference,
  setOwnerReference,
  validateOwnerReferences,
} from './owner-reference.ts';
export { isPlainObject, type JsonObject, plainJson } from './plain-json.ts';
export { isQuantity, Quantity, quantity, type QuantityFormat } from './quantity.ts';
export { type ValidationContext, validateSpec, validateStatus } from './schema-validation.ts';
export {
  type LabelPredicate,
  type LabelRequirement,
  type LabelSelector,
  labelSelector,
  parseLabelSelector,
} from './selectors.ts';
export { timestamp } from './timestamp.ts';
export {
  aesGcmTransformer,
  type AesGcmOptions,
  type EncryptionKey,
  type ValueTransformer,
} from './value-transformer.ts';
export { valueAt, withValueAt } from './value-path.ts';
export { conversion, withVersions } from './versions.ts';
