import {
  invalid,
  invalidBecause,
  kindOf,
  nearestName,
  type ObjectMeta,
  quote,
  type Subject,
} from '../resource/index.ts';

/** The options of each group of calls. */
const CALL = ['signal', 'timeoutMs', 'alone'];
const READ = [...CALL, 'at', 'notOlderThan'];
const SELECT = ['namespace', 'labelSelector', 'fieldSelector'];
const WRITE = [...CALL, 'dryRun', 'manager', 'lease'];
const MODIFY = [...WRITE, 'attempts'];
/** `delete(ref, object.metadata)` says which incarnation and version is meant; the rest of the metadata says nothing. */
const METADATA: Record<keyof ObjectMeta, true> = {
  name: true,
  namespace: true,
  uid: true,
  resourceVersion: true,
  generation: true,
  creationTimestamp: true,
  deletionTimestamp: true,
  labels: true,
  annotations: true,
  ownerReferences: true,
  finalizers: true,
  managedFields: true,
  writeId: true,
};
const PRECONDITIONS = Object.keys(METADATA);

export const OPTIONS = {
  call: CALL,
  read: READ,
  list: [...READ, ...SELECT, 'limit', 'continue'],
  watch: [...SELECT, 'signal', 'from', 'bookmarks'],
  write: WRITE,
  modify: MODIFY,
  patch: [...MODIFY, ...PRECONDITIONS, 'subresource'],
  apply: [...MODIFY, 'from'],
  applyFields: [...MODIFY, 'force'],
  delete: [...MODIFY, ...PRECONDITIONS, 'propagation', 'only'],
  deleteCollection: [...CALL, ...SELECT, 'propagation', 'dryRun'],
  rewrite: [...MODIFY, ...SELECT],
} as const satisfies Record<string, readonly string[]>;

/**
 * Refuses options that aren't ones, or have a name that is none of `known`, with `Invalid`: a selector or `dryRun` that
 * is misspelt must not be dropped in silence. JavaScript has no compiler to say so, and spread objects escape TypeScript.
 */
export function checkOptions(options: unknown, known: readonly string[], subject: Subject): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(subject, 'options', 'an object of options', kindOf(options));
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `It takes ${known.join(', ')}.` : `Did you mean ${quote(nearest)}?`;
    throw invalidBecause(subject, `options.${name}`, 'there is no such option', hint);
  }
}

/** Checks what a call's options say, beyond their names. */
export function checkOptionValues(options: {
  readonly timeoutMs?: unknown;
  readonly dryRun?: unknown;
  readonly attempts?: unknown;
  readonly lease?: unknown;
}): void {
  const { timeoutMs, dryRun, attempts, lease } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    throw refused('timeoutMs', 'a number of milliseconds above 0', timeoutMs);
  }
  if (dryRun !== undefined && typeof dryRun !== 'boolean') throw refused('dryRun', 'true or false', dryRun);
  if (attempts !== undefined && !(Number.isSafeInteger(attempts) && (attempts as number) >= 1)) {
    throw refused('attempts', 'a whole number of at least 1', attempts);
  }
  if (lease !== undefined && !(typeof lease === 'bigint' && lease >= 0n)) {
    throw refused('lease', 'the id of a lease, as a bigint, or 0n for none', lease);
  }
}

const refused = (name: string, expected: string, came: unknown): Error =>
  invalid({ what: 'Write' }, `options.${name}`, expected, typeof came === 'number' ? String(came) : kindOf(came));
