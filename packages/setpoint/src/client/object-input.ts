import {
  type CommonStatus,
  type DeepReadonly,
  invalid,
  invalidBecause,
  isPlainObject,
  kindOf,
  nearestName,
  type ObjectMeta,
  type OwnerReference,
  quote,
  type ResourceObject,
  type SpecInputOf,
  type StatusOf,
  type Subject,
} from '../resource/index.ts';

/** A status as it is written: the kind's own fields, conditions and `observedGeneration`. */
export type StatusInput<Definition> = DeepReadonly<StatusOf<Definition> & CommonStatus>;

/** What {@link ResourceClient.update} and `modify` change. What is absent stays; an empty object or list clears. */
export interface ObjectChanges<Definition> {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
  /** The whole spec. */
  readonly spec?: DeepReadonly<SpecInputOf<Definition>> | undefined;
}

/** A new object: all that its creator decides. uid, generation, times and revision come from the library. */
export interface ObjectInput<Definition> extends ObjectChanges<Definition> {
  readonly name: string;
  /** Default `default`, for namespaced kinds. */
  readonly namespace?: string | undefined;
  readonly spec: DeepReadonly<SpecInputOf<Definition>>;
}

/** A new object: named, or by the beginning of its name, to which random characters are added. */
export type CreateInput<Definition> =
  | ObjectInput<Definition>
  | (Omit<ObjectInput<Definition>, 'name'> & { readonly generateName: string; readonly name?: undefined });

/** A value of which only some fields are given, at any depth; lists as a whole. */
export type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Partially<T[Key]> | undefined }
    : T;

/** The fields that one manager is responsible for: see {@link ResourceClient.applyFields}. */
export interface FieldsInput<Definition> extends Omit<ObjectChanges<Definition>, 'spec'> {
  readonly name: string;
  /** Default `default`, for namespaced kinds. */
  readonly namespace?: string | undefined;
  readonly spec?: Partially<DeepReadonly<SpecInputOf<Definition>>> | undefined;
}

/** An object as {@link ResourceClient.apply} is to bring it about. */
export interface ApplyInput<Definition> extends ObjectInput<Definition> {
  /** Becomes the controller of the object, unless another one is. */
  readonly owner?:
    | (Pick<ResourceObject, 'apiVersion' | 'kind'> & {
        readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
      })
    | undefined;
}

const CHANGES = ['labels', 'annotations', 'ownerReferences', 'finalizers', 'spec'];

export const CHANGE_FIELDS: readonly string[] = CHANGES;
export const INPUT_FIELDS: readonly string[] = ['name', 'namespace', ...CHANGES];
export const APPLY_FIELDS: readonly string[] = [...INPUT_FIELDS, 'owner'];

/** Refuses an input with a field that isn't one of `known`: a forgotten or misspelt one must not be dropped. */
export function checkFields(input: unknown, known: readonly string[], subject: Subject): void {
  if (!isPlainObject(input)) {
    throw invalid(subject, known === CHANGE_FIELDS ? 'changes' : 'input', 'an object', kindOf(input));
  }
  for (const [name, value] of Object.entries(input)) {
    if (known.includes(name) || value === undefined) continue;
    if (name === 'resourceVersion' || name === 'uid' || name === 'generation') {
      throw invalidBecause(subject, name, 'the library decides it. Leave it out');
    }
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `It takes ${known.join(', ')}.` : `Did you mean ${quote(nearest)}?`;
    throw invalidBecause(subject, name, 'there is no such field', hint);
  }
}
