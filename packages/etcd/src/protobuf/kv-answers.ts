import type {
  DeleteResponse,
  KeyValue,
  OperationResponse,
  PutResponse,
  RangeResponse,
  TxnResponse,
} from 'setpoint/store';
import { type Answer, type AnswerHeader, decodeHeader } from './answer-header.ts';
import { readKeyValue } from './key-values.ts';
import { MalformedMessage, MessageReader } from './message-reader.ts';

/** The answers of etcd's KV service, read straight into the port's objects. */

export function decodeRange(bytes: Uint8Array): Answer<RangeResponse> {
  return readRange(new MessageReader(bytes));
}

export function decodePut(bytes: Uint8Array): Answer<PutResponse> {
  return readPut(new MessageReader(bytes));
}

export function decodeDelete(bytes: Uint8Array): Answer<DeleteResponse> {
  return readDelete(new MessageReader(bytes));
}

export function decodeTxn(bytes: Uint8Array): Answer<TxnResponse> {
  const answer = readTxn(new MessageReader(bytes));
  const revision = answer.header?.revision ?? 0n;
  return { header: answer.header, body: withRevision(answer.body, revision) };
}

function readRange(reader: MessageReader): Answer<RangeResponse> {
  let header: AnswerHeader | null = null;
  const kvs: KeyValue[] = [];
  let more = false;
  let count = 0n;
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        header = decodeHeader(reader.bytes());
        break;
      case 0x12:
        kvs.push(readKeyValue(reader));
        break;
      case 0x18:
        more = reader.boolean();
        break;
      case 0x20:
        count = reader.int64();
        break;
      default:
        reader.skip();
    }
  }
  return { header, body: { revision: revisionOf(header), kvs, more, count } };
}

function readPut(reader: MessageReader): Answer<PutResponse> {
  let header: AnswerHeader | null = null;
  let prevKv: KeyValue | undefined;
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        header = decodeHeader(reader.bytes());
        break;
      case 0x12:
        prevKv = readKeyValue(reader);
        break;
      default:
        reader.skip();
    }
  }
  const revision = revisionOf(header);
  return { header, body: prevKv ? { revision, prevKv } : { revision } };
}

function readDelete(reader: MessageReader): Answer<DeleteResponse> {
  let header: AnswerHeader | null = null;
  let deleted = 0n;
  const prevKvs: KeyValue[] = [];
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        header = decodeHeader(reader.bytes());
        break;
      case 0x10:
        deleted = reader.int64();
        break;
      case 0x1a:
        prevKvs.push(readKeyValue(reader));
        break;
      default:
        reader.skip();
    }
  }
  return { header, body: { revision: revisionOf(header), deleted, prevKvs } };
}

function readTxn(reader: MessageReader): Answer<TxnResponse> {
  let header: AnswerHeader | null = null;
  let succeeded = false;
  const responses: OperationResponse[] = [];
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        header = decodeHeader(reader.bytes());
        break;
      case 0x10:
        succeeded = reader.boolean();
        break;
      case 0x1a:
        responses.push(readOperation(reader));
        break;
      default:
        reader.skip();
    }
  }
  return { header, body: { revision: revisionOf(header), succeeded, responses } };
}

/** Each has a header of its own: a read before the first write of its transaction names the revision before. */
function readOperation(reader: MessageReader): OperationResponse {
  let response: OperationResponse | undefined;
  const outer = reader.enter();
  while (reader.more) {
    const tag = reader.tag();
    if (tag !== 0x0a && tag !== 0x12 && tag !== 0x1a && tag !== 0x22) {
      reader.skip();
      continue;
    }
    const operation = reader.enter();
    if (tag === 0x0a) response = { range: readRange(reader).body };
    else if (tag === 0x12) response = { put: readPut(reader).body };
    else if (tag === 0x1a) response = { delete: readDelete(reader).body };
    else response = { txn: readTxn(reader).body };
    reader.leave(operation);
  }
  reader.leave(outer);
  if (response) return response;
  throw new MalformedMessage('an operation of a transaction was answered with a kind that is not known');
}

/** etcd leaves the header of a nested transaction empty: it has the revision of the one around it. */
function withRevision(response: TxnResponse, outer: bigint): TxnResponse {
  const revision = response.revision || outer;
  const nested = response.responses.some((each) => 'txn' in each);
  if (!nested && revision === response.revision) return response;
  const responses = response.responses.map((each) =>
    'txn' in each ? { txn: withRevision(each.txn, revision) } : each,
  );
  return { revision, succeeded: response.succeeded, responses };
}

function revisionOf(header: AnswerHeader | null): bigint {
  return header === null ? 0n : header.revision;
}
