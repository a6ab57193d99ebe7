import { SetpointError } from '../errors/index.ts';
import { type ByteText, byteText, inRange, type TextRange, textRange } from './memory/byte-text.ts';
import type { Operation, TxnRequest } from './port.ts';

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

interface Writes {
  readonly puts: Set<ByteText>;
  readonly deletions: TextRange[];
}

/** In etcd's order: deletes of this level, then nested transactions one by one, then puts of this level. */
function collectWrites(branch: readonly Operation[]): Writes {
  const all: Writes = { puts: new Set(), deletions: [] };
  for (const operation of branch) if ('delete' in operation) all.deletions.push(textRange(operation.delete));
  for (const operation of branch) if ('txn' in operation) addNested(all, operation.txn);
  for (const operation of branch) {
    if (!('put' in operation)) continue;
    const key = byteText(operation.put.key);
    checkPut(all, key);
    all.puts.add(key);
  }
  return all;
}

function addNested(all: Writes, txn: TxnRequest): void {
  const branches = [collectWrites(txn.then ?? []), collectWrites(txn.else ?? [])];
  for (const { puts } of branches) for (const key of puts) checkPut(all, key);
  for (const { puts, deletions } of branches) {
    for (const key of puts) all.puts.add(key);
    all.deletions.push(...deletions);
  }
}

function checkPut({ puts, deletions }: Writes, key: ByteText): void {
  if (!puts.has(key) && !deletions.some((deletion) => covers(deletion, key))) return;
  const text = Buffer.from(key, 'latin1').toString('utf8');
  throw new SetpointError(
    'Invalid',
    `transaction: expected each key to be written at most once, received ${JSON.stringify(text)} twice; etcd refuses that`,
    { details: { key: text } },
  );
}

function covers(deletion: TextRange, key: ByteText): boolean {
  return deletion.start === key || inRange(deletion, key);
}
