import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { isSetpointError, SetpointError, systemClock } from 'setpoint';
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

/** How long an answer is waited for where the call doesn't say, as with an etcd. */
const ANSWER_MAX_MS = 5_000;
const NO_REQUEST: readonly Call[] = ['leases', 'status', 'members', 'alarms'];

async function ask(url: string, call: Call, args: readonly unknown[], over: AbortSignal): Promise<unknown> {
  const [request, given] = NO_REQUEST.includes(call) ? [null, args[0]] : args;
  const { signal, ...options } = (given ?? {}) as SentOptions & { readonly signal?: AbortSignal };
  const late = new AbortController();
  const patience = systemClock.setTimer(() => late.abort(), options.timeoutMs ?? ANSWER_MAX_MS, { ref: true });
  const sending = { url, ends: { over, signal, late: late.signal }, isWrite: WRITES.includes(call) };
  try {
    const response = await send(`/v1/${call}`, [request, options], sending);
    const text = await bodyOf(response).catch((error: unknown) => {
      throw lost(sending, error, true);
    });
    if (response.statusCode !== 200) throw errorSent(fromWire(text) as SentError);
    return fromWire(text);
  } finally {
    patience.cancel();
  }
}

async function* watch(
  url: string,
  request: WatchRequest,
  { signal }: WatchOptions,
  over: AbortSignal,
): AsyncGenerator<WatchBatch> {
  const sending = { url, ends: { over, signal }, isWrite: false };
  try {
    const response = await send('/v1/watch', [request], sending);
    for await (const line of createInterface({ input: response })) {
      const batch = fromWire(line) as WatchBatch & { readonly error?: SentError };
      if (batch.error) throw errorSent(batch.error);
      if (signal?.aborted) return;
      yield batch;
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw isSetpointError(error) ? error : lost(sending, error, true);
  }
  if (!signal?.aborted) throw new SetpointError('Unavailable', `the store at ${url} has closed the connection`);
}

/** One call on its way. */
interface Sending {
  readonly url: string;
  readonly isWrite: boolean;
  /** What ends it: the handle, its caller, its time limit. */
  readonly ends: { readonly over: AbortSignal; readonly signal?: AbortSignal | undefined; readonly late?: AbortSignal };
}

function send(path: string, body: readonly unknown[], sending: Sending): Promise<IncomingMessage> {
  const { over, signal, late } = sending.ends;
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const end = AbortSignal.any([over, signal, late].filter((each) => each !== undefined));
    const request = httpRequest(sending.url + path, { method: 'POST', headers, signal: end }, resolve);
    let connected = false;
    request.once('socket', (socket) => {
      connected = !socket.connecting; // one that was kept open
      if (socket.connecting) socket.once('connect', () => (connected = true));
    });
    request.once('error', (error) => reject(lost(sending, error, connected)));
    request.end(toWire(body));
  });
}

function lost({ url, isWrite, ends }: Sending, cause: unknown, connected: boolean): SetpointError {
  const place = new URL(url).origin;
  const { over, signal, late } = ends;
  if (isWrite && connected) return new SetpointError('OutcomeUnknown', `the answer of ${place} was lost`, { cause });
  if (over.aborted) return over.reason as SetpointError;
  if (signal?.aborted) return new SetpointError('Aborted', 'its caller gave the call up', { cause: signal.reason });
  if (late?.aborted) return new SetpointError('DeadlineExceeded', `${place} did not answer in time`, { cause });
  if (connected) return new SetpointError('Unavailable', `the connection to ${place} broke`, { cause });
  return new SetpointError('Unavailable', `nothing serves a store at ${place}`, { cause });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
