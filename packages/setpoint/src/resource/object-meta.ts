/** What every stored object carries, field for field as in Kubernetes. */
export interface ObjectMeta {
  readonly name: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  /** Unique for this incarnation: deleting and creating again under one name gives another uid. */
  readonly uid: string;
  /** etcd's mod revision as a decimal string. Never stored: readers fill it in from the key. */
  readonly resourceVersion: string;
  /** Counts changes of `spec`. */
  readonly generation: number;
  /** RFC 3339, in UTC, by the creator's wall clock: a label, not something to compute with. */
  readonly creationTimestamp: string;
  /** Set once by a delete while finalizers are left; never unset. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  /** Who is responsible for which fields. There once somebody has applied some: see `applyFields` of the client. */
  readonly managedFields?: readonly ManagedFields[];
  /** Unique for this version. A writer whose reply was lost recognises its own write by it. */
  readonly writeId?: string;
}

/** The fields that one manager is responsible for: by applying them, or by having written them otherwise. */
export interface ManagedFields {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** When `fields` last changed, RFC 3339. */
  readonly time: string;
  /** JSON pointers of leaves, such as `/spec/replicas`. */
  readonly fields: readonly string[];
}

/** Says that an object exists for another one's sake. Both live in one namespace, or the owner is cluster-scoped. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** The one owner that manages this object; at most one reference has it. */
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** One observed aspect of an object. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** A CamelCase word for machines. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  /** When `status` last changed, RFC 3339. */
  readonly lastTransitionTime: string;
  /** The `metadata.generation` that was looked at. */
  readonly observedGeneration?: number;
}
