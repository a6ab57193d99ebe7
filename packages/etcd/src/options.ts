import { SetpointError } from 'setpoint';
import { type Clock, type Logger, type Random, steadyLogger, systemClock, systemRandom } from 'setpoint/internal';
import { checkOptionNames } from 'setpoint/resource';
import type { CombineWritesOptions } from 'setpoint/store';
import { TLS_OPTIONS, type TlsOptions, type TlsSource, tlsSource } from './tls.ts';
import type { TransportSettings } from './transport.ts';

/** How to reach an etcd, and how patient to be with it. */
export interface EtcdStoreOptions {
  /** `http://host:port` or `https://host:port` of one or several members; the scheme may be left out for http. */
  readonly endpoints: string | readonly string[];
  /** An etcd user. Leave it out when authentication is off. */
  readonly auth?: { readonly username: string; readonly password: string };
  /**
   * For https endpoints. A function is asked whenever a connection is made, so that certificates can be replaced while
   * the store is in use: connections that stand stay up, and the next takes what it gives then.
   */
  readonly tls?: TlsOptions | (() => TlsOptions | Promise<TlsOptions>);
  /**
   * How long one endpoint may take to connect and say who it is before the next is tried. Default 2000. A call that ends
   * without an answer after at least so long makes the calls after it go to the next endpoint too.
   */
  readonly dialTimeoutMs?: number;
  /** How long a call may take in all, waiting for a connection included, unless the call says otherwise. Default 5000. */
  readonly callTimeoutMs?: number;
  /** A connection with calls or watches on it is pinged so often. Default 5100; etcd refuses less than 5000. */
  readonly keepAliveMs?: number;
  /**
   * A connection that leaves a ping unanswered for so long is given up. Default 4500, so that silence lasts below 10 s.
   * A link so slow that answers to pings wait behind an event for longer gets up to eight times as much.
   */
  readonly keepAliveTimeoutMs?: number;
  /**
   * A watch on which nothing came for so long is opened anew. Default 720,000 (12 min): etcd marks the progress of an
   * idle watch every 10 to 11 minutes. 0 turns it off.
   */
  readonly watchSilenceMs?: number;
  /**
   * Whether a watch takes what it has to catch up with in pieces of about 2 MiB. Default true. Without, pieces hold a
   * thousand revisions, of whatever size: the server prepares them in half the time, and both ends need more memory.
   */
  readonly watchFragments?: boolean;
  /**
   * Whether writes that wait at the same moment share a transaction, see `combineWrites` of `setpoint/store`; or how
   * many share one, and how many calls are under way before writes wait. Default true.
   */
  readonly combineWrites?: boolean | { readonly maxMembers?: number; readonly maxInFlight?: number };
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: silent. Endpoints, keys and codes are logged, never values or secrets. */
  readonly logger?: Logger;
}

/** The options, checked and complete. */
export interface Settings {
  readonly endpoints: readonly string[];
  readonly auth: { readonly username: string; readonly password: string } | undefined;
  readonly transport: TransportSettings;
  readonly tls: TlsSource | undefined;
  readonly keepAliveMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly watchSilenceMs: number;
  readonly watchFragments: boolean;
  /** Undefined: every write goes by itself. */
  readonly combineWrites: CombineWritesOptions | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The largest answer taken, 512 MiB, in place of gRPC's 4 MiB: one page of a list is as large as its caller asked for,
 * and what a watch has to catch up with is cut by number of revisions, and by bytes only in fragments. What is larger
 * fails as `TooLarge`.
 */
const RECEIVE_MAX_BYTES = 512 * 1024 * 1024;

/** How much may be under way unread: 8 MiB in place of 64 KiB takes 18 % off a bulk list. */
const FLOW_CONTROL_WINDOW_BYTES = 8 * 1024 * 1024;

const OPTIONS: readonly string[] = [
  'endpoints',
  'auth',
  'tls',
  'dialTimeoutMs',
  'callTimeoutMs',
  'keepAliveMs',
  'keepAliveTimeoutMs',
  'watchSilenceMs',
  'watchFragments',
  'combineWrites',
  'clock',
  'random',
  'logger',
] satisfies (keyof EtcdStoreOptions)[];

/** Checks and completes the options; throws `Invalid`. */
export function resolveOptions(options: EtcdStoreOptions): Settings {
  checkNames(options);
  const keepAliveMs = duration('keepAliveMs', options.keepAliveMs, 5100);
  const keepAliveTimeoutMs = duration('keepAliveTimeoutMs', options.keepAliveTimeoutMs, 4500);
  const endpoints = endpointUrls(options.endpoints);
  if (options.tls && !endpoints[0]!.startsWith('https:')) {
    throw invalid('tls', 'https endpoints when it is given', endpoints.join(', '));
  }
  return {
    endpoints,
    auth: credentialsOf(options),
    transport: {
      grpcOptions: {
        'grpc.keepalive_time_ms': keepAliveMs,
        // etcd ends connections that ping without a call under way.
        'grpc.keepalive_permit_without_calls': 0,
        'grpc.max_receive_message_length': RECEIVE_MAX_BYTES,
        'grpc.max_send_message_length': -1,
        'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 3000,
        'grpc.service_config_disable_resolution': 1,
        'grpc.use_local_subchannel_pool': 1,
        'grpc.enable_http_proxy': 0,
      },
    },
    tls: options.tls === undefined ? undefined : tlsSource(options.tls),
    keepAliveMs,
    keepAliveTimeoutMs,
    dialTimeoutMs: duration('dialTimeoutMs', options.dialTimeoutMs, 2000),
    callTimeoutMs: duration('callTimeoutMs', options.callTimeoutMs, 5000),
    watchSilenceMs: options.watchSilenceMs === 0 ? 0 : duration('watchSilenceMs', options.watchSilenceMs, 720_000),
    watchFragments: options.watchFragments ?? true,
    combineWrites: combining(options.combineWrites),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: steadyLogger(options.logger),
  };
}

/** What is misspelt must not be dropped in silence: it may be the user, or the certificate. */
function checkNames(options: EtcdStoreOptions): void {
  checkOptionNames('etcdStore', options, OPTIONS);
  const { auth, tls, combineWrites } = options;
  if (typeof auth === 'object') checkOptionNames('etcdStore.auth', auth, ['username', 'password']);
  if (typeof tls === 'object') checkOptionNames('etcdStore.tls', tls, TLS_OPTIONS);
  if (typeof combineWrites === 'object')
    checkOptionNames('etcdStore.combineWrites', combineWrites, ['maxMembers', 'maxInFlight']);
}

/** Checks a duration in milliseconds. */
export function duration(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value > 0 && value < Infinity) return value;
  throw invalid(name, 'a number of milliseconds above 0', value);
}

function combining(given: EtcdStoreOptions['combineWrites'] = true): CombineWritesOptions | undefined {
  if (typeof given === 'boolean') return given ? {} : undefined;
  if (typeof given === 'object' && given !== null) return given;
  throw invalid('combineWrites', 'true, false or an object', given);
}

function endpointUrls(endpoints: string | readonly string[]): readonly string[] {
  const given = typeof endpoints === 'string' ? [endpoints] : endpoints;
  if (!Array.isArray(given) || given.length === 0) {
    throw invalid('endpoints', 'at least one endpoint such as http://127.0.0.1:2379', given);
  }
  const urls = [...new Set(given.map(endpointUrl))];
  if (urls.some((url) => url.startsWith('https:') !== urls[0]!.startsWith('https:'))) {
    throw invalid('endpoints', 'http or https for all of them', urls.join(', '));
  }
  return urls;
}

function endpointUrl(given: unknown): string {
  const text = typeof given === 'string' ? given.trim() : '';
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const plain = url && url.username === '' && url.password === '' && /^\/?$/.test(url.pathname + url.search + url.hash);
  if (!url || !plain || !['http:', 'https:'].includes(url.protocol)) {
    // What was given may hold a password, so it is not repeated when it has the shape of one.
    throw invalid('endpoints', 'http://host:port or https://host:port', text.includes('@') ? 'a URL with "@"' : given);
  }
  const port = url.port || (url.protocol === 'https:' && /:443\/?$/.test(withScheme) ? '443' : '');
  return `${url.protocol}//${url.hostname}:${port || (/:80\/?$/.test(withScheme) ? '80' : '2379')}`;
}

function credentialsOf({ auth }: EtcdStoreOptions): Settings['auth'] {
  if (auth === undefined) return undefined;
  const { username, password } = auth;
  if (typeof username !== 'string' || username === '' || typeof password !== 'string') {
    throw invalid('auth', 'a username and a password', 'something else');
  }
  return { username, password };
}

function invalid(path: string, expected: string, received: unknown): SetpointError {
  return new SetpointError('Invalid', `etcdStore.${path}: expected ${expected}, received ${String(received)}`, {
    details: { path },
  });
}
