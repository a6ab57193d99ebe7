import type { AnyResourceDefinition } from './definition.ts';
import { invalid, quote, type Subject } from './describe.ts';
import { isDnsLabel, isDnsSubdomain, validateName, validateNamespace } from './names.ts';

declare const objectKeyBrand: unique symbol;

/**
 * Names an object within its kind: `namespace/name`, or `name` when cluster-scoped. A string, because a Map compares
 * objects by identity.
 */
export type ObjectKey = string & { readonly [objectKeyBrand]: true };

/** The parts of an {@link ObjectKey}. */
export interface ObjectName {
  readonly name: string;
  readonly namespace?: string;
}

/** Where objects live unless told otherwise. */
export const DEFAULT_PREFIX = '/registry';

const PREFIX = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;

/** The key of an object within its kind. Two different names never share one. Throws `Invalid` for a bad name. */
export function objectKey(
  meta: { readonly namespace?: string | undefined; readonly name: string },
  subject?: Subject,
): ObjectKey {
  validateName(meta.name, 'name', subject);
  if (meta.namespace === undefined) return meta.name as ObjectKey;
  validateNamespace(meta.namespace, 'namespace', subject);
  return `${meta.namespace}/${meta.name}` as ObjectKey;
}

/** The way back from {@link objectKey}. Throws `Invalid` for what that can't have made. */
export function parseObjectKey(key: string, subject: Subject = { what: 'Object key' }, path = 'key'): ObjectName {
  const parsed = splitKey(key);
  if (!parsed) throw invalid(subject, path, '"namespace/name" or "name" of DNS names', quote(key));
  return parsed;
}

/** The prefix of every key of a kind, such as `/registry/websites/`. It ends in `/`, so no other kind's keys match. */
export function keyPrefix(definition: AnyResourceDefinition, prefix: string = DEFAULT_PREFIX): string {
  validatePrefix(prefix);
  return `${prefix}/${definition.plural}/`;
}

/** An object's key in the store, such as `/registry/websites/default/web`. Throws `Invalid` for a bad name. */
export function storeKey(
  definition: AnyResourceDefinition,
  ref: { readonly namespace?: string | undefined; readonly name: string },
  prefix: string = DEFAULT_PREFIX,
): string {
  const namespaced = definition.scope === 'Namespaced';
  if (namespaced !== (ref.namespace !== undefined)) {
    const expected = namespaced
      ? 'a namespace, since the kind is namespaced'
      : 'none, since the kind is cluster-scoped';
    throw invalid({ what: definition.kind }, 'namespace', expected, ref.namespace === undefined ? 'nothing' : 'one');
  }
  return keyPrefix(definition, prefix) + objectKey(ref, { what: definition.kind });
}

/** The way back from {@link storeKey}, for text or bytes. Throws `Invalid` for any key that it can't have made. */
export function parseStoreKey(
  definition: AnyResourceDefinition,
  key: Uint8Array | string,
  prefix: string = DEFAULT_PREFIX,
): ObjectName {
  return parseKeyUnder(definition, typeof key === 'string' ? key : keyText(key), keyPrefix(definition, prefix));
}

/** {@link parseStoreKey} for who has the kind's {@link keyPrefix} at hand already. */
export function parseKeyUnder(definition: AnyResourceDefinition, text: string, start: string): ObjectName {
  const parsed = text.startsWith(start) ? splitKey(text.slice(start.length)) : undefined;
  if (!parsed || (parsed.namespace === undefined) !== (definition.scope === 'Cluster')) {
    const shape = definition.scope === 'Cluster' ? '<name>' : '<namespace>/<name>';
    const subject: Subject = { what: `${definition.kind} at key ${quote(text)}`, details: { key: text } };
    throw invalid(subject, 'key', `${start}${shape} of DNS names`, 'another key', 'Delete the key or rename it.');
  }
  return parsed;
}

/** Refuses a prefix that isn't `/segment` once or more, with `Invalid`: an empty one would mean the whole store. */
export function validatePrefix(prefix: string): void {
  if (PREFIX.test(prefix)) return;
  const expected = '"/segment", once or more, of letters, digits, "-", "_" and ".", without a "/" at its end';
  throw invalid({ what: 'Key prefix' }, 'prefix', expected, quote(String(prefix)));
}

/** A key as text, byte for byte: valid keys are ASCII, and no two keys may become one text. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function splitKey(key: string): ObjectName | undefined {
  const slash = key.indexOf('/');
  if (slash === -1) return isDnsSubdomain(key) ? { name: key } : undefined;
  const namespace = key.slice(0, slash);
  const name = key.slice(slash + 1);
  return isDnsLabel(namespace) && isDnsSubdomain(name) ? { name, namespace } : undefined;
}
