import {
  type Compare,
  type DeleteRequest,
  type KeySelector,
  keyRange,
  type Operation,
  type PutRequest,
  type RangeRequest,
  toBytes,
  type TxnRequest,
} from 'setpoint/store';
import { MessageWriter } from './message-writer.ts';

/** The port's requests as etcd's KV service takes them. Fields are written from the last to the first. */

/** A request as bytes, so that it is encoded once however often it is sent. */
export type EncodedRequest = Buffer;

const SORT_ORDERS = { ascend: 1, descend: 2 } as const;
const SORT_TARGETS = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;
const COMPARE_RESULTS = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const;
/** The number of the target, and the tag of the field for its operand. */
const COMPARE_TARGETS = {
  version: { target: 0, operandTag: 0x20 },
  create: { target: 1, operandTag: 0x28 },
  mod: { target: 2, operandTag: 0x30 },
  value: { target: 3, operandTag: 0x3a },
  lease: { target: 4, operandTag: 0x40 },
} as const;

export function encodeRange(request: RangeRequest): EncodedRequest {
  const writer = new MessageWriter();
  writeRange(writer, request);
  return writer.finish();
}

export function encodePut(request: PutRequest): EncodedRequest {
  const writer = new MessageWriter();
  writePut(writer, request);
  return writer.finish();
}

export function encodeDelete(request: DeleteRequest): EncodedRequest {
  const writer = new MessageWriter();
  writeDelete(writer, request);
  return writer.finish();
}

export function encodeTxn(request: TxnRequest): EncodedRequest {
  const writer = new MessageWriter();
  writeTxn(writer, request);
  return writer.finish();
}

/** The fields `key` and `range_end`, which all requests but comparisons have under the same tags. */
export function writeSelector(writer: MessageWriter, selector: KeySelector): void {
  const { start, end } = keyRange(selector);
  if (end) writer.bytes(0x12, end);
  writer.bytes(0x0a, start);
}

function writeRange(writer: MessageWriter, request: RangeRequest): void {
  const { sort } = request;
  writer.int64(0x68, request.maxCreateRevision);
  writer.int64(0x60, request.minCreateRevision);
  writer.int64(0x58, request.maxModRevision);
  writer.int64(0x50, request.minModRevision);
  writer.boolean(0x48, request.countOnly);
  writer.boolean(0x40, request.keysOnly);
  writer.boolean(0x38, request.serializable);
  writer.number(0x30, sort && SORT_TARGETS[sort.by]);
  writer.number(0x28, sort && SORT_ORDERS[sort.order]);
  writer.int64(0x20, request.revision);
  writer.number(0x18, request.limit);
  writeSelector(writer, request);
}

function writePut(writer: MessageWriter, { key, value, lease, keepLease, prevKv }: PutRequest): void {
  writer.boolean(0x30, keepLease);
  writer.boolean(0x20, prevKv);
  writer.int64(0x18, lease);
  writer.bytes(0x12, toBytes(value));
  writer.bytes(0x0a, toBytes(key));
}

function writeDelete(writer: MessageWriter, request: DeleteRequest): void {
  writer.boolean(0x18, request.prevKv);
  writeSelector(writer, request);
}

function writeTxn(writer: MessageWriter, { compares = [], then = [], else: otherwise = [] }: TxnRequest): void {
  writeEach(writer, 0x1a, otherwise, writeOperation);
  writeEach(writer, 0x12, then, writeOperation);
  writeEach(writer, 0x0a, compares, writeCompare);
}

/** A repeated field of messages, the last of them first. */
function writeEach<T>(
  writer: MessageWriter,
  tag: number,
  items: readonly T[],
  write: (writer: MessageWriter, item: T) => void,
): void {
  for (let index = items.length - 1; index >= 0; index--) {
    const before = writer.length;
    write(writer, items[index]!);
    writer.message(tag, before);
  }
}

function writeOperation(writer: MessageWriter, operation: Operation): void {
  const before = writer.length;
  if ('range' in operation) {
    writeRange(writer, operation.range);
    writer.message(0x0a, before);
  } else if ('put' in operation) {
    writePut(writer, operation.put);
    writer.message(0x12, before);
  } else if ('delete' in operation) {
    writeDelete(writer, operation.delete);
    writer.message(0x1a, before);
  } else {
    writeTxn(writer, operation.txn);
    writer.message(0x22, before);
  }
}

function writeCompare(writer: MessageWriter, compare: Compare): void {
  const { target, operandTag } = COMPARE_TARGETS[compare.target];
  // range_end has the number 64, so its tag takes two bytes.
  const { start, end } = keyRange(compare);
  if (end) writer.bytes(0x202, end);
  if (compare.target === 'value') writer.present(operandTag, toBytes(compare.operand));
  else writer.presentInt64(operandTag, compare.operand);
  writer.bytes(0x1a, start);
  writer.number(0x10, target);
  writer.number(0x08, COMPARE_RESULTS[compare.operator]);
}
