import { invalid, kindOf, type Subject } from './describe.ts';
import { deepEqual } from './equality.ts';
import type { ManagedFields } from './object-meta.ts';
import { isPlainObject, type JsonObject } from './plain-json.ts';

/**
 * Who is responsible for which fields of an object. A field is a leaf: a scalar, a list (lists are owned as a whole) or
 * an empty object, named by its JSON pointer, such as `/spec/replicas`. The elements of `metadata.finalizers` and
 * `metadata.ownerReferences` are fields of their own, named by the finalizer and by the owner's uid.
 */
export type FieldMap = ReadonlyMap<string, unknown>;

/** As much of an object as has fields that somebody can own. */
export interface OwnableObject {
  readonly metadata: {
    readonly labels?: object | undefined;
    readonly annotations?: object | undefined;
    readonly finalizers?: readonly string[] | undefined;
    readonly ownerReferences?: readonly { readonly uid: string }[] | undefined;
  };
  readonly spec?: unknown;
}

const FINALIZERS = '/metadata/finalizers';
const OWNERS = '/metadata/ownerReferences';

/** The leaves of an object, by pointer. */
export function fieldsOf({ metadata, spec }: OwnableObject): FieldMap {
  const fields = new Map<string, unknown>();
  gather(metadata.labels ?? {}, '/metadata/labels', fields);
  gather(metadata.annotations ?? {}, '/metadata/annotations', fields);
  for (const name of metadata.finalizers ?? []) fields.set(`${FINALIZERS}/${escape(name)}`, name);
  for (const owner of metadata.ownerReferences ?? []) fields.set(`${OWNERS}/${escape(owner.uid)}`, owner);
  if (spec !== undefined) gather(spec, '/spec', fields);
  // Nobody owns that there are no labels.
  for (const root of ['/metadata/labels', '/metadata/annotations', '/spec']) {
    if (fields.has(root) && isPlainObject(fields.get(root))) fields.delete(root);
  }
  return fields;
}

function gather(value: unknown, pointer: string, fields: Map<string, unknown>): void {
  if (!isPlainObject(value)) return void fields.set(pointer, value);
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  if (names.length === 0) fields.set(pointer, value);
  for (const name of names) gather(value[name], `${pointer}/${escape(name)}`, fields);
}

/** The parts of an object with these fields: what {@link fieldsOf} makes fields of. */
export function objectOfFields(fields: FieldMap): {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly finalizers: readonly string[];
  readonly ownerReferences: readonly unknown[];
  readonly spec: JsonObject;
} {
  const root: JsonObject = {};
  const lists = { [FINALIZERS]: [] as unknown[], [OWNERS]: [] as unknown[] };
  for (const [pointer, value] of fields) {
    const list = Object.keys(lists).find((start) => pointer.startsWith(`${start}/`)) as keyof typeof lists | undefined;
    if (list === undefined) put(root, stepsOf(pointer), value);
    else lists[list].push(value);
  }
  const { labels = {}, annotations = {} } = (root['metadata'] ?? {}) as JsonObject;
  return {
    labels: labels as Record<string, string>,
    annotations: annotations as Record<string, string>,
    finalizers: lists[FINALIZERS] as string[],
    ownerReferences: lists[OWNERS],
    spec: (root['spec'] ?? {}) as JsonObject,
  };
}

function put(root: JsonObject, steps: readonly string[], value: unknown): void {
  let node = root;
  for (const step of steps.slice(0, -1)) {
    const next = node[step];
    node = isPlainObject(next) ? next : (node[step] = {});
  }
  node[steps.at(-1)!] = value;
}

/** Whether two fields can't both be there: one is within the other, or they are the same. */
export function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

/**
 * The managed fields after a write that was no apply: who owned a field that it changed or took away no longer does,
 * and the writer owns what it set. The very same list when nobody's fields changed.
 */
export function afterUpdate(
  managed: readonly ManagedFields[],
  change: { readonly before: FieldMap; readonly after: FieldMap; readonly manager: string; readonly time: string },
): readonly ManagedFields[] {
  const { before, after, manager, time } = change;
  const set = [...after]
    .filter(([pointer, value]) => !deepEqual(before.get(pointer), value))
    .map(([pointer]) => pointer);
  const gone = [...before.keys()].filter((pointer) => !after.has(pointer));
  if (set.length === 0 && gone.length === 0) return managed;
  const lost = new Set([...set, ...gone]);
  const kept = managed.map((entry) =>
    withFields(
      entry,
      entry.fields.filter((pointer) => !lost.has(pointer)),
      time,
    ),
  );
  const own = kept.find((entry) => entry.manager === manager && entry.operation === 'Update');
  const fields = [...(own?.fields ?? []), ...set].toSorted();
  const rest = kept.filter((entry) => entry !== own);
  const mine: ManagedFields[] = fields.length === 0 ? [] : [{ manager, operation: 'Update', time, fields }];
  return [...rest, ...mine].filter((entry) => entry.fields.length > 0);
}

/** An entry with these fields: the very same where nothing changes, so that its time stays. */
export function withFields(entry: ManagedFields, fields: readonly string[], time: string): ManagedFields {
  return deepEqual(entry.fields, fields) ? entry : { ...entry, fields, time };
}

/** Refuses what is no list of managed fields, with `Invalid`. */
export function checkManagedFields(value: unknown, subject: Subject): void {
  const path = 'metadata.managedFields';
  if (!Array.isArray(value)) throw invalid(subject, path, 'an array', kindOf(value));
  for (const [index, entry] of (value as unknown[]).entries()) {
    if (!isPlainObject(entry)) throw invalid(subject, `${path}[${index}]`, 'an object', kindOf(entry));
    const { manager, operation, time, fields } = entry;
    const texts = [manager, operation, time, ...(Array.isArray(fields) ? (fields as unknown[]) : [undefined])];
    if (texts.every((text) => typeof text === 'string')) continue;
    throw invalid(subject, `${path}[${index}]`, 'manager, operation, time and a list of fields', 'something else');
  }
}

const escape = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

/** The steps of a JSON pointer. */
export function stepsOf(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A pointer as errors name fields: `/spec/replicas` is `spec.replicas`. */
export function pathOf(pointer: string): string {
  return stepsOf(pointer).reduce(
    (path, step) =>
      /^[A-Za-z_$][\w$-]*$/.test(step) ? (path === '' ? step : `${path}.${step}`) : `${path}[${JSON.stringify(step)}]`,
    '',
  );
}
