import {
  type AnyResourceDefinition,
  invalid,
  kindOf,
  type ObjectKey,
  objectKey,
  type ObjectMeta,
  type ObjectName,
  parseObjectKey,
  quote,
  storeKey,
  type Subject,
} from '../resource/index.ts';

/** Where objects go that don't say. */
export const DEFAULT_NAMESPACE = 'default';

/** Names one object of a kind: by its parts, by `namespace/name`, or by the object itself. */
export type ObjectRef =
  | string
  | { readonly name: string; readonly namespace?: string | undefined }
  | { readonly metadata: Pick<ObjectMeta, 'name' | 'namespace'> };

/** One object of a kind: all that its calls and their errors need to know. */
export interface Target {
  readonly name: ObjectName;
  readonly key: ObjectKey;
  /** Its key in the store. */
  readonly storeKey: string;
  readonly subject: Subject;
}

/** Reads a reference; where that names no namespace, and the kind has them, it is `home`. Throws `Invalid`. */
export function targetOf(
  definition: AnyResourceDefinition,
  ref: ObjectRef,
  prefix: string,
  home: string = DEFAULT_NAMESPACE,
): Target {
  const { name, namespace } = partsOf(definition, ref);
  const scoped = definition.scope === 'Namespaced' ? (namespace ?? home) : namespace;
  const path = storeKey(definition, { name, namespace: scoped }, prefix);
  const objectName: ObjectName = scoped === undefined ? { name } : { name, namespace: scoped };
  const key = objectKey(objectName);
  return {
    name: objectName,
    key,
    storeKey: path,
    subject: {
      // Put into words only once there is an error.
      get what() {
        return `${definition.kind} ${quote(key)}`;
      },
      details: { key: path },
    },
  };
}

function partsOf(
  definition: AnyResourceDefinition,
  ref: ObjectRef,
): { readonly name: string; readonly namespace?: string | undefined } {
  if (typeof ref === 'string') return parseObjectKey(ref, { what: definition.kind }, 'reference');
  if (typeof ref === 'object' && ref !== null) {
    const parts = 'metadata' in ref ? ref.metadata : ref;
    if (typeof parts?.name === 'string') return parts;
    if (typeof parts === 'object' && parts !== null)
      throw invalid({ what: definition.kind }, 'name', 'a name', kindOf(parts.name));
  }
  const expected = '"namespace/name", { name, namespace } or an object';
  throw invalid({ what: definition.kind }, 'reference', expected, kindOf(ref));
}
