import type { BytesLike, KeyValue, Revision } from '../port.ts';
import { toBytes } from '../key-range.ts';

const NOTHING = new Uint8Array(0);

/** The store's own copy of bytes that a caller gave: what the caller does with theirs later must not reach us. */
export function ownBytes(input: BytesLike): Uint8Array {
  return typeof input === 'string' ? toBytes(input) : new Uint8Array(input);
}

/** A caller's own copy of what the store keeps, so that writing into an answer can't change the store. */
export function copyOf(kv: KeyValue, keysOnly = false): KeyValue {
  return { ...kv, key: new Uint8Array(kv.key), value: keysOnly ? new Uint8Array(0) : new Uint8Array(kv.value) };
}

/** The version that a put makes: the first of a new incarnation, or the next of the one that `current` is. */
export function putVersion(
  put: { readonly key: Uint8Array; readonly value: Uint8Array; readonly lease: bigint },
  current: KeyValue | undefined,
  revision: Revision,
): KeyValue {
  return {
    key: put.key,
    value: put.value,
    createRevision: current?.createRevision ?? revision,
    modRevision: revision,
    version: (current?.version ?? 0n) + 1n,
    lease: put.lease,
  };
}

/** The version that a deletion makes. */
export function tombstone(key: Uint8Array, revision: Revision): KeyValue {
  return { key, value: NOTHING, createRevision: 0n, modRevision: revision, version: 0n, lease: 0n };
}
