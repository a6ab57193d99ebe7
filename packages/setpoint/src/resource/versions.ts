import type {
  AnyResourceDefinition,
  CommonStatus,
  Conversion,
  DeepReadonly,
  SpecInputOf,
  SpecOf,
  StatusOf,
  VersionedParts,
  VersionSet,
} from './definition.ts';
import { invalid, invalidBecause, quote, type Subject } from './describe.ts';
import { clone, deepEqual } from './equality.ts';
import { isPlainObject, type JsonObject } from './plain-json.ts';
import { readSpec } from './schema-validation.ts';

type ReadParts<Definition> = VersionedParts<
  DeepReadonly<SpecOf<Definition>>,
  DeepReadonly<StatusOf<Definition> & CommonStatus>
>;
type WrittenParts<Definition> = VersionedParts<
  DeepReadonly<SpecInputOf<Definition>>,
  DeepReadonly<StatusOf<Definition> & CommonStatus>
>;

/** How to get from an older version of a kind to the next newer one, and back. Both must be pure. */
export function conversion<From extends AnyResourceDefinition, To extends AnyResourceDefinition>(
  from: From,
  to: To,
  functions: {
    up(parts: ReadParts<From>): WrittenParts<To>;
    down(parts: ReadParts<To>): WrittenParts<From>;
  },
): Conversion {
  return {
    from,
    to,
    up: (parts) => functions.up(parts),
    down: (parts) => functions.down(parts),
  };
}

/**
 * The versions of one kind, oldest first, bound together: each of the definitions that come back reads what any of
 * them has written, and writes in the storage version. Fields that a version doesn't know are kept while it writes.
 * Throws `Invalid` when something is missing.
 */
export function withVersions<const Versions extends readonly AnyResourceDefinition[]>(
  versions: Versions,
  options: { readonly storage: Versions[number]; readonly conversions: readonly Conversion[] },
): Versions {
  const subject = { what: `Versions of ${versions[0]?.kind ?? 'a kind'}` };
  const [first] = versions;
  if (!first || versions.length < 2) throw invalid(subject, 'versions', 'at least two', String(versions.length));
  for (const { kind, group, plural, scope, apiVersion } of versions) {
    const same = kind === first.kind && group === first.group && plural === first.plural && scope === first.scope;
    if (!same)
      throw invalidBecause(subject, apiVersion, 'its kind, group, plural and scope must be those of the others');
  }
  if (new Set(versions.map(({ apiVersion }) => apiVersion)).size < versions.length) {
    throw invalidBecause(subject, 'versions', 'two have one version');
  }
  if (!versions.includes(options.storage))
    throw invalid(subject, 'storage', 'one of the versions', 'another definition');
  const conversions = versions.slice(1).map((to, index) => {
    const found = options.conversions.find((each) => each.from === versions[index] && each.to === to);
    if (found) return found;
    throw invalid(subject, 'conversions', `one from ${versions[index]!.version} to ${to.version}`, 'none');
  });
  const set: VersionSet = { all: versions, storage: options.storage, conversions };
  return versions.map((definition) => Object.freeze({ ...definition, versions: set })) as unknown as Versions;
}

/** One field that another version has and this one can't say. */
interface Beyond {
  readonly at: readonly string[];
  /** What converting alone makes of it: where it says something else by now, that was written later and counts. */
  readonly was?: unknown;
  readonly value?: unknown;
}

/** An object in some version, beside what it can't say of the others: by `apiVersion`. */
interface Parts {
  readonly spec: unknown;
  readonly status?: unknown;
  readonly beyond?: Readonly<Record<string, readonly Beyond[]>>;
}

/** The stored parts of an object of version `from` as version `to` has them. Throws `Invalid`. */
export function convertParts(
  set: VersionSet,
  { from, to }: { readonly from: AnyResourceDefinition; readonly to: AnyResourceDefinition },
  stored: Parts,
  subject: Subject,
): Parts {
  const original = { spec: stored.spec, ...(stored.status === undefined ? {} : { status: stored.status }) };
  const { [to.apiVersion]: saved = [], ...others } = stored.beyond ?? {};
  const converted = restored(run(set, { from, to }, original, subject), saved);
  const losses = between(run(set, { from: to, to: from }, converted, subject), original);
  const beyond = losses.length === 0 ? others : { ...others, [from.apiVersion]: losses };
  return { ...converted, ...(Object.keys(beyond).length === 0 ? {} : { beyond }) };
}

function run(
  { all, conversions }: VersionSet,
  { from, to }: { readonly from: AnyResourceDefinition; readonly to: AnyResourceDefinition },
  parts: Parts,
  subject: Subject,
): Parts {
  const indexOf = (wanted: AnyResourceDefinition): number =>
    all.findIndex(({ apiVersion }) => apiVersion === wanted.apiVersion);
  let [at, current] = [indexOf(from), parts];
  const end = indexOf(to);
  while (at !== end) {
    const up = at < end;
    const step = conversions[up ? at : at - 1]!;
    at += up ? 1 : -1;
    current = oneStep(up ? step.up : step.down, current, all[at]!, subject);
  }
  return current;
}

function oneStep(convert: Conversion['up'], parts: Parts, to: AnyResourceDefinition, subject: Subject): Parts {
  let made: VersionedParts<unknown, unknown>;
  try {
    made = convert(clone(parts) as VersionedParts<never, never>);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'something';
    throw invalidBecause(subject, 'spec', `its conversion to ${quote(to.version)} threw (${name})`);
  }
  if (!isPlainObject(made))
    throw invalidBecause(subject, 'spec', `its conversion to ${quote(to.version)} made no object`);
  const spec = readSpec(to, clone(made.spec), subject);
  return { spec, ...(made.status === undefined ? {} : { status: clone(made.status) }) };
}

/** Every field of `original` that `back` doesn't have as it is. Lists count as one field. */
function between(back: unknown, original: unknown, at: readonly string[] = []): Beyond[] {
  if (!isPlainObject(back) || !isPlainObject(original)) {
    if (deepEqual(back, original)) return [];
    return [
      { at, ...(back === undefined ? {} : { was: back }), ...(original === undefined ? {} : { value: original }) },
    ];
  }
  return [...new Set([...Object.keys(back), ...Object.keys(original)])].flatMap((name) =>
    between(own(back, name), own(original, name), [...at, name]),
  );
}

/** The parts with what is beyond them, where nobody has changed it since. */
function restored(parts: Parts, saved: readonly Beyond[]): Parts {
  const copy = clone(parts) as unknown as JsonObject;
  for (const { at, was, value } of saved) {
    let holder: unknown = copy;
    for (const step of at.slice(0, -1)) holder = isPlainObject(holder) ? own(holder, step) : undefined;
    const name = at.at(-1);
    if (!isPlainObject(holder) || name === undefined || !deepEqual(own(holder, name), was)) continue;
    if (value === undefined) delete holder[name];
    else holder[name] = value;
  }
  return copy as unknown as Parts;
}

const own = (object: JsonObject, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);
