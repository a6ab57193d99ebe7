import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { SetpointError } from 'setpoint';
import type { Store, WatchBatch, WatchOptions, WatchRequest } from 'setpoint/store';
import { type Call, CALLS, errorSent, type SentError, type SentOptions, WRITES } from './store-protocol.ts';
import { fromWire, toWire } from './wire.ts';

/**
 * The store that {@link serveStore} offers at `url`. Made for command lines: unlike other stores it mends no watch, a
 * connection that breaks ends it with `Unavailable`. Writes keep the promise: what wasn't sent is `Unavailable`, what
 * was sent and not answered is `OutcomeUnknown`.
 */
export function remoteStore(url: string): Store {
  const over = new AbortController();
  const calls = Object.fromEntries(
    CALLS.map((call) => [call, (...args: unknown[]) => ask(url, call, args, over.signal)]),
  ) as unknown as Pick<Store, Call>;
  return {
    ...calls,
    watch: (request, options = {}) => watch(url, request, options, over.signal),
    async close() {
      over.abort(new SetpointError('Closed', 'this handle of the store was closed'));
    },
  };
}

const NO_REQUEST: readonly Call[] = ['leases', 'status', 'members', 'alarms'];

async function ask(url: string, call: Call, args: readonly unknown[], over: AbortSignal): Promise<unknown> {
  const [request, given] = NO_REQUEST.includes(call) ? [null, args[0]] : args;
  const { signal, ...options } = (given ?? {}) as SentOptions & { readonly signal?: AbortSignal };
  const response = await send(`${url}/v1/${call}`, [request, options], signals(signal, over), WRITES.includes(call));
  const text = await bodyOf(response).catch((error: unknown) => {
    throw lost(url, error, WRITES.includes(call));
  });
  if (response.statusCode !== 200) throw errorSent(fromWire(text) as SentError);
  return fromWire(text);
}

async function* watch(
  url: string,
  request: WatchRequest,
  { signal }: WatchOptions,
  over: AbortSignal,
): AsyncGenerator<WatchBatch> {
  try {
    const response = await send(`${url}/v1/watch`, [request], signals(signal, over), false);
    for await (const line of createInterface({ input: response })) {
      const batch = fromWire(line) as WatchBatch & { readonly error?: SentError };
      if (batch.error) throw errorSent(batch.error);
      if (signal?.aborted) return;
      yield batch;
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw error;
  }
  if (!signal?.aborted) throw new SetpointError('Unavailable', `the store at ${url} has closed the connection`);
}

function signals(signal: AbortSignal | undefined, over: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, over]) : over;
}

function send(url: string, body: readonly unknown[], signal: AbortSignal, isWrite: boolean): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const request = httpRequest(url, { method: 'POST', headers, signal }, resolve);
    let connected = false;
    request.once('socket', (socket) => {
      connected = !socket.connecting; // one that was kept open
      if (socket.connecting) socket.once('connect', () => (connected = true));
    });
    request.once('error', (error) => reject(lost(url, error, isWrite && connected)));
    request.end(toWire(body));
  });
}

function lost(url: string, cause: unknown, maybeApplied: boolean): SetpointError {
  const place = new URL(url).origin;
  if (maybeApplied) return new SetpointError('OutcomeUnknown', `the answer of ${place} was lost`, { cause });
  return new SetpointError('Unavailable', `nothing serves a store at ${place}`, { cause });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
