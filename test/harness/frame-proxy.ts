import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { GrpcMessages } from './grpc-messages.ts';

/** One gRPC call through the proxy. */
export interface ProxiedCall {
  /** Such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  /** Counts the calls of this method from 1. */
  readonly number: number;
}

/**
 * What happens to a call. A dropped reply is one that the server has given: the request was carried out. What the client
 * sees of it: nothing at all, its stream reset, the connection reset, or a status as some load balancer would give it.
 */
export type Fate =
  | { readonly type: 'pass' }
  | { readonly type: 'drop request' }
  | { readonly type: 'drop reply'; readonly then: 'silence' | 'reset' | 'cut' | 'goaway' | 'status 14' }
  | { readonly type: 'answer'; readonly status: number; readonly message: string };

export interface FrameProxyOptions {
  /** Asked for each call when its headers come. Default: all pass. */
  readonly fate?: (call: ProxiedCall) => Fate;
  /** Sees each message of the server and says what the client gets in its place. */
  readonly messages?: (message: Buffer, call: ProxiedCall) => readonly Buffer[];
  /** How many calls one connection may have at a time. */
  readonly maxStreams?: number;
}

/** A proxy that understands gRPC: it breaks single calls where a proxy of bytes breaks connections. */
export interface FrameProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** How many calls of a method were made; of all when none is named. */
  calls(path?: string): number;
  /** How many replies were dropped. */
  readonly dropped: number;
  readonly connections: number;
  /** Asks every client to open a new connection; calls under way go on. */
  goAway(): void;
  /** Resets every connection. */
  cut(): void;
  dispose(): Promise<void>;
}

const PASS: Fate = { type: 'pass' };

/** Starts a proxy on a free port in front of `target`, `http://host:port`. */
export async function startFrameProxy(target: string, options: FrameProxyOptions = {}): Promise<FrameProxy> {
  const settings = options.maxStreams === undefined ? {} : { maxConcurrentStreams: options.maxStreams };
  const server = createServer({ settings });
  const upstreams = new Map<ServerHttp2Session, ClientHttp2Session>();
  const counts = new Map<string, number>();
  const seen = { dropped: 0, connections: 0 };
  const cut = (): void => [...upstreams.keys()].forEach(resetSession);
  server.on('session', (session) => {
    seen.connections++;
    const upstream = connect(target);
    upstream.on('error', () => resetSession(session));
    upstream.on('close', () => resetSession(session));
    session.on('error', () => {});
    session.on('close', () => {
      upstreams.delete(session);
      upstream.destroy();
    });
    upstreams.set(session, upstream);
  });
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    const number = (counts.get(path) ?? 0) + 1;
    counts.set(path, number);
    const call = { path, number };
    const fate = options.fate?.(call) ?? PASS;
    const exchange = new Exchange(stream, call, fate, options, () => seen.dropped++);
    const upstream = upstreams.get(stream.session as ServerHttp2Session);
    if (upstream) exchange.start(upstream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispose = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (path) => (path === undefined ? sum(counts.values()) : (counts.get(path) ?? 0)),
    get dropped() {
      return seen.dropped;
    },
    get connections() {
      return seen.connections;
    },
    goAway: () => [...upstreams.keys()].forEach((session) => session.close()),
    cut,
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);

function resetSession(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  const socket = session.socket as { resetAndDestroy?: () => void } | undefined;
  session.destroy();
  try {
    socket?.resetAndDestroy?.();
  } catch {
    // The session has let go of its socket: it is closed already.
  }
}

/** Only what gRPC needs: node refuses to send headers that belong to a connection. */
function forwardable(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const entries = Object.entries(headers).filter(([name, value]) => !name.startsWith(':') && value !== undefined);
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}

class Exchange {
  readonly #stream: ServerHttp2Stream;
  readonly #call: ProxiedCall;
  readonly #fate: Fate;
  readonly #options: FrameProxyOptions;
  readonly #onDropped: () => void;

  constructor(
    stream: ServerHttp2Stream,
    call: ProxiedCall,
    fate: Fate,
    options: FrameProxyOptions,
    onDropped: () => void,
  ) {
    this.#stream = stream;
    this.#call = call;
    this.#fate = fate;
    this.#options = options;
    this.#onDropped = onDropped;
    stream.on('error', () => {});
  }

  start(upstream: ClientHttp2Session, headers: IncomingHttpHeaders): void {
    const fate = this.#fate;
    if (fate.type === 'drop request') return void this.#stream.resume();
    if (fate.type === 'answer') return this.#answer(fate.status, fate.message);
    const request = { ...forwardable(headers), ':method': 'POST', ':path': this.#call.path, ':scheme': 'http' };
    const onward = upstream.request(request, { endStream: false });
    onward.on('error', () => this.#stream.destroyed || this.#stream.close(8));
    this.#stream.on('data', (bytes: Buffer) => onward.write(bytes));
    this.#stream.on('end', () => onward.end());
    this.#stream.on('close', () => onward.destroyed || onward.close(8));
    if (fate.type === 'drop reply') this.#swallow(onward, fate.then);
    else this.#relay(onward);
  }

  #answer(status: number, message: string): void {
    this.#stream.resume();
    const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) };
    this.#stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
  }

  /** Waits for the whole reply of the server and keeps it. */
  #swallow(onward: ClientHttp2Stream, then: (Fate & { type: 'drop reply' })['then']): void {
    onward.resume();
    onward.once('end', () => {
      this.#onDropped();
      const session = this.#stream.session as ServerHttp2Session | undefined;
      if (then === 'reset') this.#stream.close(2);
      else if (then === 'cut' && session) resetSession(session);
      else if (then === 'goaway' && session) {
        session.goaway(2);
        session.destroy();
      } else if (then === 'status 14') this.#answer(14, 'upstream connect error');
    });
  }

  #relay(onward: ClientHttp2Stream): void {
    const stream = this.#stream;
    const messages = new GrpcMessages();
    let trailers: Record<string, string | string[]> = {};
    onward.on('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number) => {
      if (stream.destroyed) return;
      const only = (flags & 1) !== 0;
      stream.respond(
        { ':status': headers[':status'] ?? 200, ...forwardable(headers) },
        { endStream: only, waitForTrailers: !only },
      );
    });
    onward.on('data', (bytes: Buffer) => {
      const change = this.#options.messages;
      const passing = change ? messages.add(bytes).flatMap((message) => change(message, this.#call)) : [bytes];
      for (const each of passing) {
        if (!stream.destroyed && !stream.write(each)) {
          onward.pause();
          stream.once('drain', () => onward.resume());
        }
      }
    });
    onward.on('trailers', (headers: IncomingHttpHeaders) => (trailers = forwardable(headers)));
    onward.on('end', () => stream.destroyed || stream.end());
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  }
}
