import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';

export type Side = 'client' | 'server';

/** One connection through the proxy. */
export interface Link {
  /** Counts from 1, in order of arrival. */
  readonly number: number;
  /** Bytes passed on so far, by the side that sent them. */
  readonly forwarded: Readonly<Record<Side, number>>;
  /** Resets both halves at once. */
  cut(): void;
}

export interface ProxyOptions {
  /** Sees each chunk before it is passed on; when it cuts the link, the chunk goes nowhere. */
  readonly onData?: (chunk: { readonly from: Side; readonly bytes: Buffer; readonly link: Link }) => void;
  /** Sees each connection when it is made. */
  readonly onLink?: (link: Link) => void;
}

/** A faulty network between a client and a server on loopback. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** How many connections were ever made. */
  readonly accepted: number;
  /** How many were refused. */
  readonly refused: number;
  /** Resets (RST) every connection that stands now; new ones are taken. */
  cut(): void;
  /** Keeps back what a side sends from now on: a hole without any sign of it. */
  hold(from: Side | 'both'): void;
  /** Passes on what was kept back and stops holding and refusing. */
  release(): void;
  /** Resets what stands and every connection attempted until `release`. */
  refuse(): void;
  /** Passes on at most so many bytes per second for each side of each connection; undefined for no limit. */
  throttle(bytesPerSecond: number | undefined): void;
  /** Sends connections made from now on to another server. */
  retarget(target: string): void;
  /** Keeps each chunk back for so long; a function is asked for each chunk, and none overtakes another. */
  delay(ms: number | (() => number)): void;
  /**
   * Lets exactly so many more bytes of that side through, over all connections, and then ends the connection on which
   * the last one passed: to break a stream in the middle of a message.
   */
  cutAfter(from: Side, bytes: number): void;
  dispose(): Promise<void>;
}

interface Weather {
  held: Set<Side>;
  refusing: boolean;
  bytesPerSecond: number | undefined;
  delayMs: () => number;
  budget: { from: Side; bytes: number } | undefined;
}

/** Starts a proxy on a free port. `target` is `http://host:port` or `host:port`. */
export async function startProxy(target: string, options: ProxyOptions = {}): Promise<TcpProxy> {
  let address = addressOf(target);
  const weather: Weather = {
    held: new Set(),
    refusing: false,
    bytesPerSecond: undefined,
    delayMs: () => 0,
    budget: undefined,
  };
  const links = new Set<ProxyLink>();
  let accepted = 0;
  let refused = 0;
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    if (weather.refusing) {
      refused++;
      return resetSocket(client);
    }
    const upstream = connect({ ...address, noDelay: true });
    const link = new ProxyLink(++accepted, { client, server: upstream }, weather, options);
    links.add(link);
    link.onEnd = () => links.delete(link);
    options.onLink?.(link);
    link.start();
  });
  await listen(server);
  const own = (server.address() as AddressInfo).port;
  const cut = (): void => [...links].forEach((link) => link.cut());
  const wake = (): void => [...links].forEach((link) => link.pump());
  const dispose = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };
  return {
    port: own,
    endpoint: `http://127.0.0.1:${own}`,
    get accepted() {
      return accepted;
    },
    get refused() {
      return refused;
    },
    cut,
    hold: (from) => (from === 'both' ? (['client', 'server'] as const) : [from]).forEach((s) => weather.held.add(s)),
    release: () => {
      weather.held.clear();
      weather.refusing = false;
      wake();
    },
    refuse: () => {
      weather.refusing = true;
      cut();
    },
    throttle: (bytesPerSecond) => {
      weather.bytesPerSecond = bytesPerSecond;
      wake();
    },
    retarget: (next) => (address = addressOf(next)),
    delay: (ms) => (weather.delayMs = typeof ms === 'number' ? () => ms : ms),
    cutAfter: (from, bytes) => (weather.budget = { from, bytes }),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function addressOf(target: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(target.includes('://') ? target : `http://${target}`);
  return { host: hostname, port: Number(port) };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}

const THROTTLE_TICK_MS = 50;
/** In chunks of at most 64 KiB. */
const QUEUE_MAX = 16;

class ProxyLink implements Link {
  readonly number: number;
  readonly forwarded = { client: 0, server: 0 };
  onEnd: () => void = () => {};
  readonly #sockets: Readonly<Record<Side, Socket>>;
  readonly #weather: Weather;
  readonly #options: ProxyOptions;
  readonly #queues: Record<Side, { bytes: Buffer; due: number }[]> = { client: [], server: [] };
  readonly #timers = new Map<Side, NodeJS.Timeout>();
  readonly #finished = new Set<Side>();

  constructor(number: number, sockets: Record<Side, Socket>, weather: Weather, options: ProxyOptions) {
    this.number = number;
    this.#sockets = sockets;
    this.#weather = weather;
    this.#options = options;
  }

  start(): void {
    for (const from of ['client', 'server'] as const) {
      const socket = this.#sockets[from];
      socket.on('data', (bytes) => {
        this.#options.onData?.({ from, bytes, link: this });
        if (socket.destroyed) return;
        this.#queues[from].push({ bytes, due: performance.now() + this.#weather.delayMs() });
        // A receiver that doesn't read holds its sender back through the proxy as it would without.
        if (this.#queues[from].length > QUEUE_MAX) socket.pause();
        this.#pump(from);
      });
      socket.on('end', () => {
        this.#finished.add(from);
        this.#pump(from);
      });
      socket.on('drain', () => this.#pump(from === 'client' ? 'server' : 'client'));
      socket.on('error', () => this.cut());
      socket.on('close', () => this.#gone());
      socket.resume();
    }
  }

  cut(): void {
    Object.values(this.#sockets).forEach(resetSocket);
    this.#gone();
  }

  pump(): void {
    this.#pump('client');
    this.#pump('server');
  }

  #gone(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const socket of Object.values(this.#sockets)) socket.destroy();
    this.onEnd();
  }

  #pump(from: Side): void {
    const queue = this.#queues[from];
    const target = this.#sockets[from === 'client' ? 'server' : 'client'];
    let allowance = ((this.#weather.bytesPerSecond ?? Infinity) * THROTTLE_TICK_MS) / 1000;
    if (this.#timers.has(from)) return;
    while (queue.length > 0 && !this.#weather.held.has(from) && !target.destroyed && !target.writableNeedDrain) {
      const head = queue[0]!;
      const early = head.due - performance.now();
      if (early > 0) return this.#later(from, early);
      if (allowance <= 0) return this.#later(from, THROTTLE_TICK_MS);
      const size = Math.min(head.bytes.length, Math.max(1, Math.floor(allowance)));
      allowance -= size;
      if (!this.#forward(from, target, head.bytes.subarray(0, size))) return;
      if (size < head.bytes.length) head.bytes = head.bytes.subarray(size);
      else queue.shift();
    }
    if (queue.length <= QUEUE_MAX) this.#sockets[from].resume();
    if (queue.length === 0 && this.#finished.has(from)) target.end();
  }

  /** Passes bytes on; false when the link ended by that. */
  #forward(from: Side, target: Socket, bytes: Buffer): boolean {
    const budget = this.#weather.budget;
    const counted = budget?.from === from ? budget : undefined;
    const passing = counted ? bytes.subarray(0, counted.bytes) : bytes;
    this.forwarded[from] += passing.length;
    target.write(passing);
    if (!counted) return true;
    counted.bytes -= passing.length;
    if (counted.bytes > 0) return true;
    this.#weather.budget = undefined;
    // An orderly end towards the receiver, so that the last byte does arrive; a reset could overtake it.
    target.end();
    resetSocket(this.#sockets[from]);
    return false;
  }

  #later(from: Side, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(from);
      this.#pump(from);
    }, ms);
    this.#timers.set(from, timer);
  }
}
