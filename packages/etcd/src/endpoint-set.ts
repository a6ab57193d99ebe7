import { SetpointError } from 'setpoint';
import { Backoff, sleep } from 'setpoint/internal';
import { type ClusterIdentity, Endpoint, type EndpointFault } from './endpoint.ts';
import type { Settings } from './options.ts';

/**
 * Chooses the endpoint that calls go to: the same one as long as it answers, then the next. However many calls wait,
 * one of them connects, round after round with jittered back-off, so that a store dials at most once per delay.
 */
export class EndpointSet {
  readonly all: readonly Endpoint[];
  readonly cluster: ClusterIdentity = { clusterId: undefined };
  readonly #settings: Settings;
  readonly #closing: AbortSignal;
  readonly #backoff: Backoff;
  #current: number;
  #round: Promise<void> | undefined;
  #failedRounds = 0;

  constructor(settings: Settings, closing: AbortSignal) {
    this.#settings = settings;
    this.#closing = closing;
    this.all = settings.endpoints.map((url) => new Endpoint(url, settings, this.cluster));
    this.#current = Math.floor(settings.random.next() * this.all.length);
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 2000 }, settings.random);
  }

  /** An endpoint that answered last time, when there is one. */
  get atHand(): Endpoint | undefined {
    const current = this.all[this.#current]!;
    return current.usable ? current : undefined;
  }

  /**
   * An endpoint that answers. Waits for one until `signal` aborts, then resolves to undefined. Throws at once when
   * waiting can't help: `NotEtcd`, `ClusterMismatch`, `Unsupported`.
   */
  async usable(signal: AbortSignal): Promise<Endpoint | undefined> {
    while (!signal.aborted) {
      const { atHand } = this;
      if (atHand) return atHand;
      this.#round ??= this.#connectRound().finally(() => (this.#round = undefined));
      await settledOrAborted(this.#round, signal);
      if (!signal.aborted) this.#throwHopeless();
    }
    return undefined;
  }

  /** Moves on from an endpoint that failed a call; others may already have moved on. */
  failed(endpoint: Endpoint): void {
    if (this.all[this.#current] === endpoint) this.#current = (this.#current + 1) % this.all.length;
  }

  /** Each endpoint with its own fault, for a message. */
  describeFaults(): string {
    const each = this.all.map(({ url, fault }) => `${url} (${fault?.text ?? 'no answer'})`).join(', ');
    const command = `etcdctl --endpoints=${this.all.map(({ url }) => url).join(',')} endpoint health`;
    const advice = this.commonFault && ADVICE[this.commonFault];
    return `${each}; ${advice ?? `check the addresses and that etcd runs there: ${command}`}`;
  }

  close(): void {
    this.all.forEach((endpoint) => endpoint.close());
  }

  /** Tries every endpoint once, from the current on; the first that answers becomes the current one. */
  async #connectRound(): Promise<void> {
    if (this.#failedRounds > 0) await sleep(this.#settings.clock, this.#backoff.next(), this.#closing, { ref: true });
    for (let step = 0; step < this.all.length && !this.#closing.aborted; step++) {
      const index = (this.#current + step) % this.all.length;
      const endpoint = this.all[index]!;
      if (await endpoint.connect()) {
        this.#current = index;
        this.#failedRounds = 0;
        this.#backoff.reset();
        return;
      }
      const { code, text } = endpoint.fault!;
      this.#settings.logger.warn({ endpoint: endpoint.url, code, reason: text }, 'etcd endpoint is not usable');
    }
    this.#failedRounds++;
  }

  /** What is wrong with every endpoint alike, if it is the same. */
  get commonFault(): EndpointFault['code'] | undefined {
    const codes = new Set(this.all.map(({ fault }) => fault?.code));
    return codes.size === 1 ? [...codes][0] : undefined;
  }

  #throwHopeless(): void {
    const code = this.commonFault;
    if (code === 'NotEtcd' || code === 'ClusterMismatch' || code === 'Unsupported')
      throw new SetpointError(code, this.describeFaults());
  }
}

const ADVICE: Readonly<Partial<Record<EndpointFault['code'], string>>> = {
  NotEtcd: 'etcd listens for clients on port 2379 by default',
  ClusterMismatch: 'a store never mixes clusters',
  Unsupported: 'upgrade the server',
  Untrusted: 'check tls.ca, tls.cert and tls.key, how long they are valid, and the names in the server certificate',
  Learner: 'promote it with etcdctl member promote, or name a voting member',
};

function settledOrAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => resolve();
    signal.addEventListener('abort', done, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', done));
  });
}
