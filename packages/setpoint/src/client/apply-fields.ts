import { SetpointError } from '../errors/index.ts';
import {
  type AnyResourceDefinition,
  deepEqual,
  type FieldMap,
  fieldsOf,
  type ManagedFields,
  objectOfFields,
  type ObjectOf,
  overlaps,
  pathOf,
  quote,
  withFields,
} from '../resource/index.ts';
import type { ObjectChanges } from './object-input.ts';
import type { Target } from './object-ref.ts';
import { revise } from './revise.ts';

/** One manager's fields, to be brought about on an object. */
export interface FieldApply {
  readonly manager: string;
  /** Takes fields over from whoever owns them. */
  readonly force: boolean;
  /** The fields that the manager wants, as {@link fieldsOf} names them. */
  readonly wanted: FieldMap;
  readonly time: string;
}

interface Owner {
  readonly manager: string;
  readonly operation: ManagedFields['operation'];
  readonly fields: readonly string[];
}

/**
 * The object as this apply leaves it: what the manager wants is set, what it applied before and no longer wants goes
 * unless somebody else owns it too, everything else stays. Throws `Conflict`, naming each field and its owner, when
 * somebody else owns a field with another value; with `force` they lose it instead.
 */
export function applyFields<Definition extends AnyResourceDefinition>(
  definition: Definition,
  base: ObjectOf<Definition>,
  apply: FieldApply,
  target: Target,
): ObjectOf<Definition> {
  const { manager, wanted, force, time } = apply;
  const managed = base.metadata.managedFields ?? [];
  const isMine = (entry: Owner): boolean => entry.manager === manager && entry.operation === 'Apply';
  const there = fieldsOf(base);
  const others = managed.filter((entry) => !isMine(entry));
  const conflicts = conflictsOf(wanted, there, others);
  if (conflicts.size > 0 && !force) throw conflictsWith(target, conflicts);

  const mine = managed.find(isMine)?.fields ?? [];
  const kept = others.map((entry) =>
    withFields(
      entry,
      entry.fields.filter((field) => !lostTo(wanted, there, field)),
      time,
    ),
  );
  const next = new Map(there);
  for (const field of mine) if (!wanted.has(field) && !isOwned(kept, field)) next.delete(field);
  for (const [field, value] of wanted) {
    for (const other of next.keys()) if (other !== field && overlaps(other, field)) next.delete(other);
    next.set(field, value);
  }
  const { spec, ...metadata } = objectOfFields(next);
  const changes = { ...metadata, ...(base.spec === undefined || !deepEqual(spec, base.spec) ? { spec } : {}) };
  const revised = revise(definition, base, changes as unknown as ObjectChanges<Definition>, {
    subject: target.subject,
  });
  const managedFields = withMine(kept, managed.find(isMine), { manager, fields: [...wanted.keys()].toSorted(), time });
  // Another list, also of the same content, says that this write has seen to the owners.
  if (deepEqual(managedFields, managed) && revised === base) return base;
  return { ...revised, metadata: { ...revised.metadata, managedFields } };
}

/** The fields that somebody else wants otherwise, with their owners. */
function conflictsOf(wanted: FieldMap, there: FieldMap, others: readonly Owner[]): Map<string, string> {
  const conflicts = new Map<string, string>();
  for (const { manager, fields } of others) {
    for (const field of fields) {
      if (lostTo(wanted, there, field) && there.has(field)) conflicts.set(field, manager);
    }
  }
  return conflicts;
}

/** Whether an apply leaves nothing of a field as it was. */
function lostTo(wanted: FieldMap, there: FieldMap, field: string): boolean {
  if (wanted.has(field)) return !deepEqual(wanted.get(field), there.get(field));
  return [...wanted.keys()].some((other) => overlaps(other, field));
}

const isOwned = (entries: readonly Owner[], field: string): boolean =>
  entries.some(({ fields }) => fields.includes(field));

function withMine(
  others: readonly ManagedFields[],
  before: ManagedFields | undefined,
  { manager, fields, time }: { readonly manager: string; readonly fields: readonly string[]; readonly time: string },
): readonly ManagedFields[] {
  const entry: ManagedFields = before
    ? withFields(before, fields, time)
    : { manager, operation: 'Apply', time, fields };
  const rest = others.filter(({ fields: left }) => left.length > 0);
  return [...rest, ...(fields.length > 0 ? [entry] : [])].toSorted(byManager);
}

const byManager = (left: ManagedFields, right: ManagedFields): number =>
  `${left.manager} ${left.operation}` < `${right.manager} ${right.operation}` ? -1 : 1;

function conflictsWith(target: Target, conflicts: ReadonlyMap<string, string>): SetpointError {
  const named = [...conflicts].map(([field, manager]) => `${pathOf(field)} (of ${quote(manager)})`);
  const message =
    `${target.subject.what}: somebody else owns fields that this apply would change: ${named.join(', ')}. Nothing was ` +
    'written. Leave them out, apply the same values, or take them over with force.';
  const path = pathOf([...conflicts.keys()][0]!);
  return new SetpointError('Conflict', message, { details: { key: target.storeKey, path } });
}
