/**
 * As much of the Kubernetes API as one informer needs, in a process of its own: `fake-kube.js KEYS`. It sends its port
 * to its parent, and `count` events to every watch when the parent sends `{ count }`. As in `fake-etcd.ts`, objects are
 * copied out of a template.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { changedIndex, FIRST_EVENT_REVISION, FIRST_REVISION, numbersOf, objectTemplate } from './sample.ts';
const keys = Number(process.argv[2]);
const PER_CHUNK = 100;
const object = objectTemplate(true);
const before = Buffer.from('{"type":"MODIFIED","object":');
const after = Buffer.from('}\n');
function items(first: number, count: number): Buffer {
  const chunk = Buffer.allocUnsafe(count * (object.bytes.length + 1));
  let at = 0;
  for (let index = first; index < first + count; index++) {
    if (index > 0) chunk[at++] = 0x2c;
    object.write(chunk, at, numbersOf(index, keys, 0, FIRST_REVISION + index));
    at += object.bytes.length;
  }
  return chunk.subarray(0, at);
}
function events(first: number, count: number): Buffer {
  const chunk = Buffer.allocUnsafe(count * (before.length + object.bytes.length + after.length));
  let at = 0;
  for (let event = first; event < first + count; event++) {
    before.copy(chunk, at);
    at += before.length;
    object.write(chunk, at, numbersOf(changedIndex(event, keys), keys, event, FIRST_EVENT_REVISION + event));
    at += object.bytes.length;
    after.copy(chunk, at);
    at += after.length;
  }
  return chunk;
}
async function send(response: ServerResponse, first: number, count: number, make: typeof items): Promise<void> {
  for (let at = first; at < first + count; at += PER_CHUNK) {
    const room = response.write(make(at, Math.min(PER_CHUNK, first + count - at)));
    if (!room) await new Promise((resolve) => response.once('drain', resolve));
  }
}
async function list(response: ServerResponse): Promise<void> {
  const metadata = `{"resourceVersion":"${FIRST_REVISION + keys}"}`;
  response.write(`{"apiVersion":"bench.dev/v1","kind":"WidgetList","metadata":${metadata},"items":[`);
  await send(response, 0, keys, items);
  response.end(']}');
}
const watches = new Set<ServerResponse>();
let sent = 0;
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  if (!request.url?.includes('watch=true')) return void list(response);
  response.flushHeaders();
  watches.add(response);
  // What was asked for before the watch came.
  void send(response, 0, sent, events);
  response.on('close', () => watches.delete(response));
});
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));
process.on('message', ({ count }: { count: number }) => {
  for (const response of watches) void send(response, sent, count, events);
  sent += count;
});
process.on('disconnect', () => process.exit());
