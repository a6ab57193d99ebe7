import { byteLength } from './key-range.ts';
import type { Compare, DeleteRequest, KeySelector, Operation, PutRequest, RangeRequest, TxnRequest } from './port.ts';

/**
 * How many bytes a request takes in etcd's encoding (protocol buffers), which is what the server's limit counts.
 * Numbers and flags are counted at their longest, so the result is never below the true size and at most a few bytes
 * for each operation above it.
 */
export function putSize(request: PutRequest): number {
  return field(byteLength(request.key)) + field(byteLength(request.value)) + NUMBER + 2 * FLAG;
}

export function deleteSize(request: DeleteRequest): number {
  return selectorSize(request) + FLAG;
}

export function rangeSize(request: RangeRequest): number {
  return selectorSize(request) + 8 * NUMBER;
}

export function txnSize(request: TxnRequest): number {
  let size = 0;
  for (const compare of request.compares ?? []) size += field(compareSize(compare));
  for (const operation of request.then ?? []) size += operationSize(operation);
  for (const operation of request.else ?? []) size += operationSize(operation);
  return size;
}

/** What an operation adds to the size of the transaction that it is in. */
export function operationSize(operation: Operation): number {
  return field(contentSize(operation));
}

/** A tag and a 64-bit varint. */
const NUMBER = 11;
const FLAG = 3;

function contentSize(operation: Operation): number {
  if ('put' in operation) return field(putSize(operation.put));
  if ('delete' in operation) return field(deleteSize(operation.delete));
  if ('range' in operation) return field(rangeSize(operation.range));
  return field(txnSize(operation.txn));
}

function compareSize(compare: Compare): number {
  const operand = compare.target === 'value' ? field(byteLength(compare.operand)) : NUMBER;
  return selectorSize(compare) + operand + 2 * FLAG;
}

/** On the wire every selector is a key and, unless it is one key, an end that is never longer than what was given. */
function selectorSize(selector: KeySelector): number {
  if ('key' in selector) {
    return field(byteLength(selector.key)) + (selector.end === undefined ? 0 : field(byteLength(selector.end)));
  }
  return 2 * field(byteLength('prefix' in selector ? selector.prefix : selector.fromKey));
}

/** A length-delimited field: tag, length, content. */
function field(length: number): number {
  let size = 2 + length;
  for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}
