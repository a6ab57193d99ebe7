import { type ErrorCode } from 'setpoint';
import type { Settings } from './options.ts';
import { saysNotEtcd, saysUntrusted, textOf } from './error-mapping.ts';
import { statusRpc } from './rpcs.ts';
import { defectsOf } from './server-defects.ts';
import { isSupported } from './server-version.ts';
import { isSameTls, type TlsSettings } from './tls.ts';
import { Transport } from './transport.ts';
import { untilAborted } from './until-aborted.ts';

/** So many times as long as usual a ping may stay unanswered on the slowest of links. */
const PATIENCE_MAX = 8;

/** Which cluster the store talks to: the first that answered, from then on no other. */
export interface ClusterIdentity {
  clusterId: string | undefined;
}

/** Why an endpoint can't be used. */
export interface EndpointFault {
  readonly code: Extract<
    ErrorCode,
    'Unavailable' | 'Untrusted' | 'Learner' | 'NotEtcd' | 'ClusterMismatch' | 'Unsupported'
  >;
  readonly text: string;
}

/**
 * One address. It counts as usable once it has said which cluster it belongs to, and no longer when its connection
 * broke: what listens there afterwards may be another server.
 */
export class Endpoint {
  readonly url: string;
  /** Why the last attempt failed; undefined once one has succeeded. */
  fault: EndpointFault | undefined;
  /** Stands for the present connection: another one is another object. Undefined when it broke. */
  connection: object | undefined;
  /** The server's, as it said it when it was connected to. */
  version = '';
  readonly #settings: Settings;
  readonly #cluster: ClusterIdentity;
  #transport: Transport | undefined;
  /** What the transport is secured with. */
  #tls: TlsSettings | undefined;
  /** Doubles with each connection that ended while it carried something that did not get through. */
  #patience = 1;
  /** The last connection that told something about the link. */
  #judged: object | undefined;
  #connecting: Promise<boolean> | undefined;
  #closed = false;

  constructor(url: string, settings: Settings, cluster: ClusterIdentity) {
    this.url = url;
    this.#settings = settings;
    this.#cluster = cluster;
  }

  get usable(): boolean {
    return this.connection !== undefined && this.#transport !== undefined && this.#transport.ready;
  }

  /** Only for a usable endpoint. */
  get transport(): Transport {
    return this.#transport!;
  }

  /**
   * Connects and asks who it is, within `dialTimeoutMs`. Resolves to whether it is usable; `fault` says why not. Whoever
   * else asks meanwhile gets the same: two attempts would each open a transport, and one of them would be lost.
   */
  async connect(): Promise<boolean> {
    if (this.usable) return true;
    return (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)));
  }

  async #connect(): Promise<boolean> {
    this.connection = undefined;
    const { clock, dialTimeoutMs } = this.#settings;
    const limit = new AbortController();
    const timer = clock.setTimer(() => limit.abort(), dialTimeoutMs);
    try {
      const transport = await this.#prepared(limit.signal);
      return transport !== undefined && (await this.#ask(transport, limit.signal));
    } finally {
      timer.cancel();
    }
  }

  /** The transport to connect with; undefined, with a fault, where it can't be had. */
  async #prepared(limit: AbortSignal): Promise<Transport | undefined> {
    try {
      const transport = await this.#secured(await untilAborted(this.#certificates(), limit));
      if (!this.#closed) return transport;
      this.#refuse('Unavailable', 'the store is closed');
    } catch (error) {
      const { dialTimeoutMs } = this.#settings;
      const text = limit.aborted ? `etcdStore.tls gave none within ${dialTimeoutMs} ms` : textOf(error);
      this.#refuse('Untrusted', `its certificates can't be used: ${text}`);
    }
    return undefined;
  }

  async #ask(transport: Transport, limit: AbortSignal): Promise<boolean> {
    const call = transport.unary(statusRpc, {}, { requireLeader: false });
    if (limit.aborted) call.cancel();
    else limit.addEventListener('abort', () => call.cancel());
    try {
      const { header, isLearner, version } = await call.answer;
      return this.#introduce(header.cluster_id, version, isLearner);
    } catch (error) {
      if (limit.aborted) return this.#refuse('Unavailable', `no answer within ${this.#settings.dialTimeoutMs} ms`);
      if (saysUntrusted(error)) return this.#refuse('Untrusted', textOf(error));
      return this.#refuse(saysNotEtcd(error) ? 'NotEtcd' : 'Unavailable', textOf(error));
    }
  }

  /**
   * Says how a stream over `connection` ended. When that was given up at its first ping, though the stream was owed a
   * message, the link may just be slow, and the answer to the ping waits behind that message: the next connection is
   * given twice the time. One that lasts shows that the link is well.
   */
  streamEnded(connection: object | undefined, { livedMs, owed }: { livedMs: number; owed: boolean }): void {
    const { keepAliveMs, keepAliveTimeoutMs } = this.#settings;
    const silenceMs = keepAliveMs + keepAliveTimeoutMs * this.#patience;
    if (connection === undefined || connection === this.#judged || livedMs < silenceMs * 0.9) return;
    const lasted = livedMs >= silenceMs * 2;
    if (!lasted && !owed) return;
    this.#judged = connection;
    const patience = lasted ? 1 : Math.min(this.#patience * 2, PATIENCE_MAX);
    // Whoever has connected again meanwhile keeps that connection as it is.
    if (patience === this.#patience || this.usable) return;
    this.#patience = patience;
    this.#transport?.close();
    this.#transport = undefined;
  }

  close(): void {
    this.#closed = true;
    this.connection = undefined;
    this.#transport?.close();
  }

  async #certificates(): Promise<TlsSettings | undefined> {
    return this.#settings.tls?.();
  }

  /** The transport secured with these: another one when certificates have been replaced. */
  async #secured(tls: TlsSettings | undefined): Promise<Transport> {
    if (tls && this.#tls && !isSameTls(tls, this.#tls)) {
      this.#transport?.close();
      this.#transport = undefined;
    }
    this.#tls = tls;
    return (this.#transport ??= await this.#open());
  }

  #open(): Promise<Transport> {
    const { transport, keepAliveTimeoutMs } = this.#settings;
    const grpcOptions = {
      ...transport.grpcOptions,
      'grpc.keepalive_timeout_ms': keepAliveTimeoutMs * this.#patience,
      ...(this.#tls?.serverName ? { 'grpc.ssl_target_name_override': this.#tls.serverName } : {}),
    };
    return Transport.open(this.url, { grpcOptions, ...(this.#tls ? { credentials: this.#tls.credentials } : {}) });
  }

  #introduce(clusterId: string, version: string, isLearner: boolean): boolean {
    if (!isSupported(version)) return this.#refuse('Unsupported', `is etcd ${version}; 3.4 is the oldest that works`);
    this.#cluster.clusterId ??= clusterId;
    if (clusterId !== this.#cluster.clusterId) {
      return this.#refuse('ClusterMismatch', `belongs to cluster ${clusterId}, not to ${this.#cluster.clusterId}`);
    }
    if (isLearner) return this.#refuse('Learner', 'is a learner, which serves no clients yet');
    this.fault = undefined;
    if (version !== this.version) this.#warnOfDefects(version);
    this.version = version;
    const connection = {};
    this.connection = connection;
    this.#transport!.onceDisconnected(() => {
      if (this.connection === connection) this.connection = undefined;
    });
    return this.usable || this.#refuse('Unavailable', 'the connection was lost');
  }

  /** Once for each version: what is wrong with it can't all be made up for from here. */
  #warnOfDefects(version: string): void {
    const defects = defectsOf(version, this.#settings.auth !== undefined);
    if (defects.length === 0) return;
    this.#settings.logger.warn({ endpoint: this.url, version, defects }, 'this etcd has known defects: upgrade it');
  }

  #refuse(code: EndpointFault['code'], text: string): false {
    this.fault = { code, text };
    return false;
  }
}
