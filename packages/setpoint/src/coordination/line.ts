import { shownKey, type KeyValue, type Revision } from '../store/index.ts';

/** One party in a line: the first owns what the line is for, each other waits for the one before it. */
export interface Entry {
  readonly key: string;
  readonly lease: bigint;
  /** Decides the order: no two are alike, because these keys are written alone. */
  readonly createRevision: Revision;
  readonly holder: Holder;
}

/** Who a key belongs to, as it says itself. For people and logs: nothing is decided by it. */
export interface Holder {
  readonly identity: string;
  /** When it took its place in the line, by its own wall clock, in milliseconds since 1970. It stays for as long as that. */
  readonly since: number;
  /** What it wants others to know, such as its address. */
  readonly value: string;
}

/** What lies under a line's prefix: its entries in their order, and keys that somebody else put there. */
export interface LineView {
  readonly entries: readonly Entry[];
  readonly foreign: readonly string[];
}

/** A lease in hexadecimal, then what makes the key unlike any other: it is never used again. */
const KEY = /^([0-9a-f]{1,16})-[0-9a-f-]{8,36}$/;

export function entryKey(linePrefix: string, lease: bigint, nonce: string): string {
  return `${linePrefix}${BigInt.asUintN(64, lease).toString(16)}-${nonce}`;
}

/**
 * Sorts out what was read under a line's prefix. A key counts only if it hangs on the lease that its name says: a put by
 * hand takes it off, and then neither its session's end nor anything else would ever free the line.
 */
export function readLine(kvs: readonly KeyValue[], linePrefix: string): LineView {
  const entries: Entry[] = [];
  const foreign: string[] = [];
  for (const kv of kvs) {
    const entry = entryOf(kv, linePrefix);
    if (entry) entries.push(entry);
    else foreign.push(shownKey(kv.key));
  }
  entries.sort((a, b) => (a.createRevision < b.createRevision ? -1 : 1));
  return { entries, foreign };
}

/** The entry that a key is, or undefined when it is none. */
export function entryOf(kv: KeyValue, linePrefix: string): Entry | undefined {
  const key = shownKey(kv.key);
  const lease = KEY.exec(key.slice(linePrefix.length))?.[1];
  if (!key.startsWith(linePrefix) || lease === undefined) return undefined;
  if (kv.lease === 0n || BigInt.asUintN(64, kv.lease) !== BigInt(`0x${lease}`)) return undefined;
  return { key, lease: kv.lease, createRevision: kv.createRevision, holder: decodeHolder(kv.value) };
}

export function encodeHolder(holder: Holder): string {
  return JSON.stringify(holder);
}

function decodeHolder(bytes: Uint8Array): Holder {
  try {
    const { identity, since, value } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (typeof identity === 'string' && typeof since === 'number' && typeof value === 'string')
      return { identity, since, value };
  } catch {
    // Said below: who holds a key is told by the key, not by its value.
  }
  return { identity: 'unknown', since: 0, value: '' };
}
