import { deepEqual, type LabelSelector, labelSelector, type ObjectMeta } from '../resource/index.ts';

/** One event of a cache, as predicates see it. A relist arrives as the adds, updates and deletes that it amounts to. */
export type Change<T> =
  | { readonly type: 'add'; readonly object: T; readonly inInitialList: boolean }
  | { readonly type: 'update'; readonly old: T; readonly object: T }
  | { readonly type: 'delete'; readonly object: T };

/**
 * Whether a change is worth a reconcile. Must be pure and quick. One that throws lets the change pass: a needless
 * reconcile is harmless, a missing one isn't.
 */
export type Predicate<T> = (change: Change<T>) => boolean;

interface WithMetadata {
  readonly metadata: ObjectMeta;
}

/** Passes what every one passes; without any, everything. */
export function and<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}

/** Passes what at least one passes; without any, nothing. */
export function or<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}

/** Passes what the other one blocks. */
export function not<T>(predicate: Predicate<T>): Predicate<T> {
  return (change) => !predicate(change);
}

/**
 * Passes creates, deletes, and the updates that changed the spec; blocks those of status and metadata alone. The
 * start of a deletion passes too: Kubernetes counts it as a new generation, and finalizers wait for it.
 *
 * Don't use it where labels or annotations are part of the desired state.
 */
export function generationChanged(change: Change<WithMetadata>): boolean {
  if (change.type !== 'update') return true;
  const { metadata: before } = change.old;
  const { metadata: after } = change.object;
  return before.generation !== after.generation || before.deletionTimestamp !== after.deletionTimestamp;
}

/** Passes creates, deletes, and the updates that changed anything: not those that a resync repeats. */
export function resourceVersionChanged(change: Change<WithMetadata>): boolean {
  return change.type !== 'update' || change.old.metadata.resourceVersion !== change.object.metadata.resourceVersion;
}

/** Passes creates, deletes, and the updates that changed the status. */
export function statusChanged(change: Change<{ readonly status?: unknown }>): boolean {
  return change.type !== 'update' || !deepEqual(change.old.status, change.object.status);
}

/** Passes the changes of objects whose labels match, before or after: also the one that ends the match. */
export function labelsMatch(selector: LabelSelector | string): Predicate<WithMetadata> {
  const matches = labelSelector(selector);
  return (change) =>
    matches(change.object.metadata.labels) || (change.type === 'update' && matches(change.old.metadata.labels));
}

/** Passes the changes of objects in one of these namespaces. */
export function inNamespaces(...namespaces: readonly string[]): Predicate<WithMetadata> {
  const wanted = new Set(namespaces);
  return ({ object }) => object.metadata.namespace !== undefined && wanted.has(object.metadata.namespace);
}

/** Passes changes of these types only. */
export function onlyChanges(...types: readonly Change<unknown>['type'][]): Predicate<unknown> {
  return (change) => types.includes(change.type);
}

/** Passes creates, deletes, and the updates that changed labels. */
export function labelsChanged(change: Change<WithMetadata>): boolean {
  return change.type !== 'update' || !deepEqual(change.old.metadata.labels, change.object.metadata.labels);
}

/** Passes creates, deletes, and the updates that changed annotations. */
export function annotationsChanged(change: Change<WithMetadata>): boolean {
  return change.type !== 'update' || !deepEqual(change.old.metadata.annotations, change.object.metadata.annotations);
}
