import { SetpointError } from '../errors/index.ts';
import { isWithoutEnd, keyRange, toBytes } from './key-range.ts';
import type { Operation } from './port.ts';

/**
 * Throws `Invalid` when a branch of a transaction writes one key twice in a way that etcd refuses ("duplicate key
 * given in txn request"): two puts of it, or a put of it and a delete that covers it. The two branches of one nested
 * transaction may both write a key, since only one of them runs.
 *
 * As in etcd, a delete inside a *later* nested transaction is not held against an earlier put. One gap of etcd's is
 * closed: its check overlooks puts under a delete without an end, but a key that is deleted and put again in one
 * revision makes etcd 3.5.16 drop its value when that revision is compacted, and the server then stops for good.
 */
export function checkDuplicateKeys(branch: readonly Operation[]): void {
  collectWrites(branch);
}

interface Deletion {
  readonly start: Buffer;
  readonly end: Buffer | undefined;
}

interface Writes {
  readonly puts: Set<string>;
  readonly deletions: Deletion[];
}

/** In etcd's order: deletes of this level, then nested transactions one by one, then puts of this level. */
function collectWrites(branch: readonly Operation[]): Writes {
  const all: Writes = { puts: new Set(), deletions: [] };
  for (const operation of branch) if ('delete' in operation) all.deletions.push(deletionOf(operation.delete));
  for (const operation of branch) {
    if (!('txn' in operation)) continue;
    const whenTrue = collectWrites(operation.txn.then ?? []);
    const whenFalse = collectWrites(operation.txn.else ?? []);
    const earlier = new Set(all.puts);
    for (const key of [...whenTrue.puts, ...whenFalse.puts]) addPut(all, key, earlier);
    all.deletions.push(...whenTrue.deletions, ...whenFalse.deletions);
  }
  for (const operation of branch) {
    if ('put' in operation) addPut(all, latin1(toBytes(operation.put.key)), all.puts);
  }
  return all;
}

function addPut(writes: Writes, key: string, taken: ReadonlySet<string>): void {
  const bytes = Buffer.from(key, 'latin1');
  if (taken.has(key) || writes.deletions.some((deletion) => covers(deletion, bytes))) {
    const text = JSON.stringify(bytes.toString('utf8'));
    throw new SetpointError(
      'Invalid',
      `transaction: expected each key to be written at most once, received ${text} twice; etcd refuses that`,
      { details: { key: bytes.toString('utf8') } },
    );
  }
  writes.puts.add(key);
}

function deletionOf(selector: Parameters<typeof keyRange>[0]): Deletion {
  const { start, end } = keyRange(selector);
  return { start: Buffer.from(start), end: end && Buffer.from(end) };
}

function covers({ start, end }: Deletion, key: Buffer): boolean {
  if (start.equals(key)) return true;
  if (end === undefined) return false;
  return start.compare(key) < 0 && (isWithoutEnd(end) || key.compare(end) < 0);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
