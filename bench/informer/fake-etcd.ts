/**
 * As much of etcd's gRPC interface as one informer needs, in a process of its own: `fake-etcd.js KEYS`. It sends its
 * port to its parent, and `count` events to every watch when the parent sends `{ count }`. Objects are copied out of a
 * template: it is faster than any contestant, so that the contestant is what is measured.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import {
  changedIndex,
  FIRST_EVENT_REVISION,
  FIRST_REVISION,
  keyTemplate,
  numbersOf,
  namespaceOf,
  objectTemplate,
} from './sample.ts';
const keys = Number(process.argv[2]);
const EVENTS_PER_MESSAGE = 100;
const key = keyTemplate();
const value = objectTemplate(false);
/** Four bytes, whatever the value: all revisions are of that size. */
function writeVarint(target: Buffer, at: number, number: number): void {
  for (let index = 0; index < 4; index++)
    target[at + index] = ((number >> (7 * index)) & 0x7f) | (index < 3 ? 0x80 : 0);
}
function varint(number: number): number[] {
  const bytes: number[] = [];
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest > 127 ? 0x80 : 0));
    if (rest <= 127) return bytes;
  }
}
const kvHead = [0x0a, key.bytes.length];
const kvMiddle = [0x20, 1, 0x2a, ...varint(value.bytes.length)];
const CREATE_AT = kvHead.length + key.bytes.length;
const KV_BYTES = CREATE_AT + 5 + 5 + kvMiddle.length + value.bytes.length;
function writeKeyValue(target: Buffer, at: number, index: number, modRevision: number, turn: number): void {
  target.set(kvHead, at);
  key.write(target, at + kvHead.length, [namespaceOf(index, keys), index]);
  target[at + CREATE_AT] = 0x10;
  writeVarint(target, at + CREATE_AT + 1, FIRST_REVISION + index);
  target[at + CREATE_AT + 5] = 0x18;
  writeVarint(target, at + CREATE_AT + 6, modRevision);
  target.set(kvMiddle, at + CREATE_AT + 10);
  value.write(target, at + CREATE_AT + 10 + kvMiddle.length, numbersOf(index, keys, turn));
}
const KV_IN_RANGE = [0x12, ...varint(KV_BYTES)];
/** The event's only field is its key and value: a put is what an absent type means. */
const EVENT = [0x12, ...varint(KV_BYTES)];
const EVENT_IN_WATCH = [0x5a, ...varint(EVENT.length + KV_BYTES)];
const header = (revision: number): number[] => {
  const fields = [0x08, 1, 0x10, 1, 0x18, ...varint(revision), 0x20, 1];
  return [0x0a, fields.length, ...fields];
};
function framed(length: number, fill: (target: Buffer, at: number) => void): Buffer {
  const frame = Buffer.allocUnsafe(5 + length);
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  fill(frame, 5);
  return frame;
}
const message = (bytes: readonly number[]): Buffer => framed(bytes.length, (target, at) => target.set(bytes, at));
/** As much of a RangeRequest as an informer's reads differ in. */
interface RangeAsked {
  readonly from: number;
  readonly limit: number;
  /** Whether it has an end: a read of one key has none. */
  readonly many: boolean;
}

function readRange(request: Buffer): RangeAsked {
  let at = 0;
  const number = (): number => {
    let result = 0;
    let factor = 1;
    for (;;) {
      const byte = request[at++]!;
      result += (byte & 0x7f) * factor;
      if (byte < 0x80) return result;
      factor *= 128;
    }
  };
  let from = 0;
  let limit = 0;
  let many = false;
  while (at < request.length) {
    const tag = number();
    if ((tag & 7) === 2) {
      const length = number();
      many ||= tag === 0x12;
      if (tag === 0x0a) from = indexFrom(request.subarray(at, at + length));
      at += length;
    } else {
      const found = number();
      if (tag === 0x18) limit = found;
    }
  }
  return { from, limit: limit || keys, many };
}
/** The first object at or after a key: the one after a page's last, or the very first. */
function indexFrom(bytes: Buffer): number {
  if (bytes.length < key.bytes.length) return 0;
  return Number(bytes.subarray(key.bytes.length - 8, key.bytes.length).toString()) + 1;
}
function range(request: Buffer): Buffer {
  const { from, limit, many } = readRange(request);
  // A single key is read to find out whose history this is, and is one that there isn't.
  if (!many) return message(header(FIRST_REVISION + keys));
  const count = Math.min(limit, keys - from);
  const head = header(FIRST_REVISION + keys);
  const tail = [...(from + count < keys ? [0x18, 1] : []), 0x20, ...varint(keys - from)];
  const length = head.length + count * (KV_IN_RANGE.length + KV_BYTES) + tail.length;
  return framed(length, (target, start) => {
    target.set(head, start);
    let at = start + head.length;
    for (let index = from; index < from + count; index++) {
      target.set(KV_IN_RANGE, at);
      writeKeyValue(target, at + KV_IN_RANGE.length, index, FIRST_REVISION + index, 0);
      at += KV_IN_RANGE.length + KV_BYTES;
    }
    target.set(tail, at);
  });
}
function events(first: number, count: number): Buffer {
  const head = header(FIRST_EVENT_REVISION + first + count);
  const length = head.length + count * (EVENT_IN_WATCH.length + EVENT.length + KV_BYTES);
  return framed(length, (target, start) => {
    target.set(head, start);
    let at = start + head.length;
    for (let event = first; event < first + count; event++) {
      target.set(EVENT_IN_WATCH, at);
      target.set(EVENT, at + EVENT_IN_WATCH.length);
      at += EVENT_IN_WATCH.length + EVENT.length;
      writeKeyValue(target, at, changedIndex(event, keys), FIRST_EVENT_REVISION + event, event);
      at += KV_BYTES;
    }
  });
}
const version = Buffer.from('3.5.16');
const status = message([...header(FIRST_REVISION + keys), 0x12, version.length, ...version, 0x20, 1, 0x28, 1, 0x30, 1]);
const watches = new Set<ServerHttp2Stream>();
let sent = 0;
async function send(stream: ServerHttp2Stream, first: number, count: number): Promise<void> {
  for (let event = first; event < first + count; event += EVENTS_PER_MESSAGE) {
    const room = stream.write(events(event, Math.min(EVENTS_PER_MESSAGE, first + count - event)));
    if (!room) await new Promise((resolve) => stream.once('drain', resolve));
  }
}
function unary(stream: ServerHttp2Stream, answer: Buffer | undefined): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': answer ? '0' : '12' }));
  stream.end(answer ?? Buffer.alloc(0));
}
function openWatch(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.once('data', () => {
    stream.write(message([...header(FIRST_REVISION + keys), 0x18, 1]));
    watches.add(stream);
    // What was asked for before the watch came.
    void send(stream, 0, sent);
  });
  stream.resume();
  stream.on('close', () => watches.delete(stream));
}
const server = createServer({ settings: { initialWindowSize: 8 * 1024 * 1024 } });
server.on('stream', (stream, headers) => {
  const path = headers[':path'] ?? '';
  stream.on('error', () => {});
  if (path.endsWith('/Watch')) return openWatch(stream);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const request = Buffer.concat(chunks).subarray(5);
    if (path.endsWith('/Range')) unary(stream, range(request));
    else unary(stream, path.endsWith('/Status') ? status : undefined);
  });
});
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));
process.on('message', ({ count }: { count: number }) => {
  for (const stream of watches) void send(stream, sent, count);
  sent += count;
});
process.on('disconnect', () => process.exit());
