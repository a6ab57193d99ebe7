import type { KeyValue, Revision } from '../port.ts';
import type { ByteText } from './byte-text.ts';
import { copyBytes, type KeptBytes } from './kept-bytes.ts';

/**
 * One version of a key, and at the same time the change that made it: what history, log and watches share. A deletion
 * is a version too: number 0, which no living key has.
 */
export interface Version {
  readonly text: ByteText;
  readonly value: KeptBytes;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: bigint;
  readonly lease: bigint;
  /**
   * The key just before this revision (not: before this change), if it existed. Only compaction changes it: it goes
   * where history no longer reaches back to it.
   */
  replaced: Version | undefined;
}

export function isTombstone(version: Version): boolean {
  return version.version === 0n;
}

/** The version that a put makes: the first of a new incarnation, or the next of the one that `current` is. */
export function putVersion(
  put: { readonly text: ByteText; readonly value: KeptBytes; readonly lease: bigint },
  current: Version | undefined,
  revision: Revision,
): Version {
  return {
    text: put.text,
    value: put.value,
    createRevision: current === undefined ? revision : current.createRevision,
    modRevision: revision,
    version: current === undefined ? 1n : current.version + 1n,
    lease: put.lease,
    replaced: undefined,
  };
}

/** The version that a deletion makes. */
export function tombstone(text: ByteText, revision: Revision): Version {
  return { text, value: '', createRevision: 0n, modRevision: revision, version: 0n, lease: 0n, replaced: undefined };
}

/** A version as the port has it, in bytes that are the caller's own. */
export function keyValueOf(version: Version, keysOnly = false): KeyValue {
  return {
    key: copyBytes(version.text),
    value: copyBytes(keysOnly ? '' : version.value),
    createRevision: version.createRevision,
    modRevision: version.modRevision,
    version: version.version,
    lease: version.lease,
  };
}
