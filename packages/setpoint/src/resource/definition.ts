import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Condition, ObjectMeta } from './object-meta.ts';

export type Scope = 'Namespaced' | 'Cluster';

/** `T` with every property, at any depth, read-only: what caches hand out. */
export type DeepReadonly<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** What the library keeps in every status beside the user's own fields. */
export interface CommonStatus {
  readonly conditions?: readonly Condition[];
  readonly observedGeneration?: number;
}

/** One stored object of a kind. `Spec` and `Status` are the outputs of the kind's schemas. */
export interface ResourceObject<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: DeepReadonly<Spec>;
  readonly status?: DeepReadonly<Status & CommonStatus>;
}

/**
 * What becomes of fields that the schema doesn't know, when they are written: an error that says which one was probably
 * meant, left out, or stored all the same. What is stored already stays in any case.
 */
export type UnknownFields = 'refuse' | 'drop' | 'keep';

/** Where a kind keeps how many there should be, and are, of what its objects stand for. As in Kubernetes. */
export interface ScalePaths {
  /** A whole number in the spec, such as `spec.replicas`. */
  readonly specReplicasPath: string;
  /** A whole number in the status, such as `status.ready`. */
  readonly statusReplicasPath?: string;
}

/**
 * One kind: its names, where its objects live, and the schemas of spec and status. Plain data; made by
 * {@link defineResource}.
 */
export interface ResourceDefinition<Spec = unknown, SpecInput = unknown, Status = unknown> {
  readonly group: string;
  readonly version: string;
  /** `group/version`, as objects carry it. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The key segment, lower case. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly scope: Scope;
  readonly specSchema: StandardSchemaV1<SpecInput, Spec>;
  readonly statusSchema: StandardSchemaV1<unknown, Status> | undefined;
  /** Absent: objects of the kind have no scale. */
  readonly scale?: ScalePaths | undefined;
  /** Fields that keep the value they were created with, such as `spec.storageClass`. */
  readonly immutable?: readonly string[];
  /** Whether an update without a `resourceVersion` overwrites whatever is there. Otherwise it is refused. */
  readonly unconditionalUpdate?: boolean;
  /** What becomes of fields that the schema doesn't know. */
  readonly unknownFields?: UnknownFields;
  /** The other versions of the kind: see `withVersions`. */
  readonly versions?: VersionSet;
}

/** What a conversion sees of an object: all that differs between versions. */
export interface VersionedParts<Spec, Status> {
  readonly spec: Spec;
  readonly status?: Status | undefined;
}

/** Between two neighbouring versions. Made by `conversion`. */
export interface Conversion {
  readonly from: AnyResourceDefinition;
  readonly to: AnyResourceDefinition;
  readonly up: (parts: VersionedParts<never, never>) => VersionedParts<unknown, unknown>;
  readonly down: (parts: VersionedParts<never, never>) => VersionedParts<unknown, unknown>;
}

/** All versions of a kind, as each of them carries it. */
export interface VersionSet {
  /** Oldest first. */
  readonly all: readonly AnyResourceDefinition[];
  /** What objects are stored as. */
  readonly storage: AnyResourceDefinition;
  readonly conversions: readonly Conversion[];
}

/** Any definition, for code that treats all kinds alike. */
// oxlint-disable-next-line typescript/no-explicit-any -- the type parameters are invariant through the schemas
export type AnyResourceDefinition = ResourceDefinition<any, any, any>;

export type SpecOf<Definition> = Definition extends ResourceDefinition<infer Spec, infer _I, infer _S> ? Spec : never;
export type SpecInputOf<Definition> =
  Definition extends ResourceDefinition<infer _S, infer SpecInput, infer _T> ? SpecInput : never;
export type StatusOf<Definition> =
  Definition extends ResourceDefinition<infer _S, infer _I, infer Status> ? Status : never;
/** The objects of a definition, as reads return them. */
export type ObjectOf<Definition> = ResourceObject<SpecOf<Definition>, StatusOf<Definition>>;
