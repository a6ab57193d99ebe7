import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SetpointError } from 'setpoint';
import type { Store, WatchRequest } from 'setpoint/store';
import { CALLS, errorToSend } from './store-protocol.ts';
import { fromWire, toWire } from './wire.ts';

export interface ServeStoreOptions {
  /** Default 0: the operating system chooses one. */
  readonly port?: number;
}

/** A store that other processes of this machine can use, see {@link serveStore}. */
export interface StoreServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123`: what `--server` takes. */
  readonly url: string;
  /** Ends every call and watch that came through it. The store stays open. */
  close(): Promise<void>;
}

const BODY_MAX_BYTES = 8 << 20;

/**
 * Offers a store to the other processes of this machine, on 127.0.0.1: the way to look into a running program whose
 * store is in its memory. Whoever may open a connection to the machine's loopback may do everything, as with an etcd
 * without users. Browsers are turned away, whatever page they show. Throws what `listen` does, such as `EADDRINUSE`.
 */
export async function serveStore(store: Store, { port = 0 }: ServeStoreOptions = {}): Promise<StoreServer> {
  const over = new AbortController();
  const server = createServer((request, response) => void answer(store, request, response, over.signal));
  await listening(server, port);
  const address = server.address();
  const close = async (): Promise<void> => {
    over.abort();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`;
  return { url, close, [Symbol.asyncDispose]: close };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

async function answer(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  over: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([over, gone.signal]);
  try {
    refuseBrowsers(request);
    const name = request.url?.replace('/v1/', '') ?? '';
    const sent = fromWire(await bodyOf(request)) as [unknown, object?];
    if (name === 'watch') return await stream(store, sent[0] as WatchRequest, response, signal);
    const call = CALLS.find((each) => each === name);
    if (!call) throw new SetpointError('Invalid', `there is no call "${name}"`);
    const method = store[call] as (...args: unknown[]) => Promise<unknown>;
    const takesRequest = !['leases', 'status', 'members', 'alarms'].includes(call);
    const options = { ...sent[1], signal };
    const result = await method.apply(store, takesRequest ? [sent[0], options] : [options]);
    response.end(toWire(result ?? null));
  } catch (error) {
    if (response.headersSent) return void response.end();
    response.statusCode = 400;
    response.end(toWire(errorToSend(error)));
  }
}

/** One line for each batch; the last one is the error, if it ended with one. */
async function stream(
  store: Store,
  request: WatchRequest,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    const batches = store.watch(request, { signal });
    response.flushHeaders();
    for await (const batch of batches) {
      const more = response.write(`${toWire(batch)}\n`);
      if (!more) await once(response, 'drain', { signal }).catch(() => {}); // it aborts when nobody listens any more
    }
    response.end();
  } catch (error) {
    response.end(`${toWire({ error: errorToSend(error) })}\n`);
  }
}

/** A page in a browser could reach loopback: it sends an Origin, or a Host that is a name of its own. */
function refuseBrowsers({ headers }: IncomingMessage): void {
  const host = headers.host?.replace(/:\d+$/, '');
  const local = host === '127.0.0.1' || host === 'localhost';
  if (local && headers.origin === undefined && headers['content-type'] === 'application/json') return;
  throw new SetpointError('PermissionDenied', 'only programs of this machine are served, by their loopback address');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new SetpointError('TooLarge', `the request is over ${BODY_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
