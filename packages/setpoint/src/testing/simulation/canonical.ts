import type { MirroredKey } from './state.ts';

/** What differs between two runs that ended alike: revisions, times, and how many steps it took. */
const LEFT_OUT = new Set([
  'resourceVersion',
  'writeId',
  'creationTimestamp',
  'deletionTimestamp',
  'lastTransitionTime',
  'generation',
  'observedGeneration',
]);

/**
 * Each key with its value in a form that is the same for states which mean the same: uids are replaced by the key of
 * the object that has them, fields are ordered, revisions and times left out.
 */
export function canonicalState(keys: ReadonlyMap<string, MirroredKey>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { key, object } of keys.values()) if (object) names.set(object.metadata.uid, `uid of ${key}`);
  const canonical = new Map<string, string>();
  for (const key of [...keys.keys()].sort()) {
    const { object, value } = keys.get(key)!;
    canonical.set(key, object ? JSON.stringify(ordered(object, names)) : Buffer.from(value).toString('latin1'));
  }
  return canonical;
}

function ordered(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return names.get(value) ?? value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => ordered(each, names));
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) {
    if (!LEFT_OUT.has(name)) result[name] = ordered((value as Record<string, unknown>)[name], names);
  }
  return result;
}

/** The first difference of two canonical states, in words; undefined when they are equal. */
export function stateDifference(
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, string>,
): string | undefined {
  for (const [key, value] of expected) {
    const other = found.get(key);
    if (other === undefined) return `${key} is missing`;
    if (other !== value) return `${key} differs: ${firstDifference(value, other)}`;
  }
  const extra = [...found.keys()].find((key) => !expected.has(key));
  return extra === undefined ? undefined : `${extra} should not be there`;
}

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (a[at] === b[at]) at++;
  const from = Math.max(0, at - 20);
  return `…${a.slice(from, at + 30)}… without faults, …${b.slice(from, at + 30)}… now`;
}
