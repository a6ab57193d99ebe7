import type { ErrorCode } from 'setpoint';
import type {
  CallOptions,
  Compare,
  DeleteRequest,
  KeySelector,
  Operation,
  PutRequest,
  RangeRequest,
  SortTarget,
  Store,
  TxnRequest,
  WatchEvent,
  WatchOptions,
  WatchRequest,
} from 'setpoint/store';
import { type Asked, methodOf } from './call.ts';
import type { Answer } from './answers.ts';

type KeysOf<T> = T extends unknown ? keyof T : never;
type Names<T> = Record<Exclude<KeysOf<T>, KeysOf<KeySelector>>, true>;
type Method = keyof Store;

// Each table is typed by the port: a name that the port gains is missing here until the generator has it.
const METHODS: Record<Method, true> = {
  range: true,
  put: true,
  delete: true,
  txn: true,
  watch: true,
  compact: true,
  leaseGrant: true,
  leaseKeepAlive: true,
  leaseRevoke: true,
  leaseTimeToLive: true,
  leases: true,
  status: true,
  members: true,
  alarms: true,
  disarm: true,
  close: true,
};
const OPTIONS = {
  range: {
    limit: true,
    sort: true,
    keysOnly: true,
    countOnly: true,
    revision: true,
    serializable: true,
    minModRevision: true,
    maxModRevision: true,
    minCreateRevision: true,
    maxCreateRevision: true,
  } satisfies Names<RangeRequest>,
  put: { lease: true, keepLease: true, prevKv: true } satisfies Omit<Names<PutRequest>, 'value'>,
  delete: { prevKv: true } satisfies Names<DeleteRequest>,
  txn: { compares: true, then: true, else: true } satisfies Names<TxnRequest>,
  watch: { startRevision: true, exclude: true, prevKv: true } satisfies Names<WatchRequest>,
  leaseGrant: { id: true },
  leaseTimeToLive: { keys: true },
};
const CALL_OPTIONS: Record<keyof CallOptions, true> = { signal: true, timeoutMs: true, alone: true };
const WATCH_OPTIONS: Partial<Record<keyof WatchOptions, true>> = { signal: true, onConnection: true };
const SORTS: Record<SortTarget, true> = { key: true, create: true, mod: true, version: true, value: true };
const ORDERS: Record<NonNullable<RangeRequest['sort']>['order'], true> = { ascend: true, descend: true };
const TARGETS: Record<Compare['target'], true> = { version: true, create: true, mod: true, lease: true, value: true };
const OPERATORS: Record<Compare['operator'], true> = { '=': true, '!=': true, '>': true, '<': true };
const NESTED: Record<KeysOf<Operation>, true> = { range: true, put: true, delete: true, txn: true };
const EXCLUDES: Record<NonNullable<WatchRequest['exclude']>, true> = { put: true, delete: true };
const SELECTORS = ['key', 'end', 'prefix', 'fromKey', 'the whole store'];
const SELECTING = ['range', 'delete', 'compare', 'watch'];
const STARTS = ['absent', '0', 'past', 'next', 'future', 'compacted'];
const EXPIRIES = ['of a lease with keys', 'of a lease without keys', 'of several leases', 'put off by a renewal'];

/** Which errors each method fails with on account of what it was asked. */
const ERRORS: Record<Method, readonly ErrorCode[]> = {
  range: ['Invalid', 'TooLarge', 'Compacted', 'FutureRevision'],
  put: ['Invalid', 'TooLarge', 'LeaseNotFound', 'NotFound'],
  delete: ['Invalid', 'TooLarge'],
  txn: ['Invalid', 'TooLarge', 'TooManyOperations', 'Compacted', 'FutureRevision', 'LeaseNotFound', 'NotFound'],
  watch: ['Invalid', 'Compacted'],
  compact: ['Invalid', 'Compacted', 'FutureRevision'],
  leaseGrant: ['Invalid', 'LeaseExists'],
  leaseKeepAlive: ['LeaseNotFound'],
  leaseRevoke: ['LeaseNotFound'],
  leaseTimeToLive: ['LeaseNotFound'],
  leases: [],
  status: [],
  members: [],
  alarms: [],
  disarm: [],
  close: [],
};

const names = Object.keys;

/** Everything that a campaign has to have asked and seen, as lines of the table. */
export const FEATURES: readonly string[] = [
  ...names(METHODS),
  ...Object.entries(OPTIONS).flatMap(([method, options]) => names(options).map((option) => `${method} ${option}`)),
  ...names(CALL_OPTIONS).map((option) => `call option ${option}`),
  ...names(WATCH_OPTIONS).map((option) => `watch option ${option}`),
  ...SELECTING.flatMap((by) => SELECTORS.map((selector) => `${by} selects by ${selector}`)),
  ...names(SORTS).flatMap((by) => names(ORDERS).map((order) => `range sort ${by} ${order}`)),
  'range limit cuts',
  ...names(TARGETS).flatMap((target) =>
    names(OPERATORS).flatMap((operator) => ['holds', 'fails'].map((how) => `compare ${target} ${operator} ${how}`)),
  ),
  ...names(NESTED).flatMap((operation) => [`txn runs ${operation}`, `nested txn runs ${operation}`]),
  ...STARTS.map((start) => `watch start ${start}`),
  ...names(EXCLUDES).map((kind) => `watch exclude ${kind}`),
  'watch event put',
  'watch event delete',
  'watch event prevKv',
  ...EXPIRIES.map((expiry) => `expiry ${expiry}`),
  ...names(ERRORS).flatMap((method) => [
    ...ERRORS[method as Method].map((code) => `${method} fails with ${code}`),
    ...(method === 'close' || method === 'watch' ? [] : [`${method} fails with Aborted`]),
    ...(method === 'close' ? [] : [`${method} fails with Closed`]),
  ]),
];

/** Counts how often each feature was asked for and agreed upon. */
export class Coverage {
  readonly #counts = new Map<string, number>(FEATURES.map((feature) => [feature, 0]));

  hit(feature: string, times = 1): void {
    const before = this.#counts.get(feature);
    if (before === undefined) throw new Error(`${feature}: expected a line of the table of coverage`);
    this.#counts.set(feature, before + times);
  }

  add(counts: Readonly<Record<string, number>>): void {
    for (const [feature, times] of Object.entries(counts)) this.hit(feature, times);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get missing(): readonly string[] {
    return FEATURES.filter((feature) => this.#counts.get(feature) === 0);
  }

  /** Counts a call that both stores answered with `answer`. */
  call(asked: Exclude<Asked, { expiry: unknown }>, answer: Answer): void {
    const method = methodOf(asked);
    this.#manner(asked.manner);
    if ('failed' in answer) return this.hit(`${method} fails with ${answer.failed}`);
    this.hit(method);
    if ('leaseGrant' in asked) return this.#options('leaseGrant', asked.leaseGrant);
    if ('leaseTimeToLive' in asked) return this.#options('leaseTimeToLive', asked);
    if ('txn' in asked) return this.#txn(asked.txn, answer.answered as TxnAnswer, 'txn');
    this.#operation(asked, answer.answered);
  }

  /** Counts a watch that was opened on both stores. */
  watch(request: WatchRequest, start: string): void {
    this.hit('watch');
    this.#options('watch', request);
    this.#selector('watch', request);
    this.hit(`watch start ${start}`);
    if (request.exclude) this.hit(`watch exclude ${request.exclude}`);
    for (const option of names(WATCH_OPTIONS)) this.hit(`watch option ${option}`);
  }

  /** Counts what watches delivered. */
  events(events: readonly WatchEvent[]): void {
    for (const { type, prevKv } of events) {
      this.hit(`watch event ${type}`);
      if (prevKv) this.hit('watch event prevKv');
    }
  }

  #manner(manner: string | undefined): void {
    if (manner === 'closed') this.hit('close');
    if (manner === 'aborted') this.hit('call option signal');
    if (manner === 'timed') this.hit('call option timeoutMs');
    if (manner === 'alone') this.hit('call option alone');
  }

  #options(method: keyof typeof OPTIONS, request: object): void {
    for (const option of names(OPTIONS[method])) if (option in request) this.hit(`${method} ${option}`);
  }

  #selector(by: string, selector: object): void {
    if ('end' in selector) this.hit(`${by} selects by end`);
    else if ('fromKey' in selector && selector.fromKey === '\0') this.hit(`${by} selects by the whole store`);
    else this.hit(`${by} selects by ${['prefix', 'fromKey'].find((name) => name in selector) ?? 'key'}`);
  }

  #operation(operation: object, answer: unknown): void {
    if ('put' in operation) this.#options('put', operation.put as PutRequest);
    if ('delete' in operation) {
      this.#options('delete', operation.delete as DeleteRequest);
      this.#selector('delete', operation.delete as DeleteRequest);
    }
    if (!('range' in operation)) return;
    const request = operation.range as RangeRequest;
    this.#options('range', request);
    this.#selector('range', request);
    if (request.sort) this.hit(`range sort ${request.sort.by} ${request.sort.order}`);
    if ((answer as { more: boolean }).more) this.hit('range limit cuts');
  }

  #txn(request: TxnRequest, answer: TxnAnswer, where: string): void {
    this.#options('txn', request);
    const { compares = [] } = request;
    for (const compare of compares) this.#selector('compare', compare);
    const [only] = compares;
    // Of several compares an answer doesn't say which one failed.
    if (only && compares.length === 1) {
      this.hit(`compare ${only.target} ${only.operator} ${answer.succeeded ? 'holds' : 'fails'}`);
    }
    const ran = (answer.succeeded ? request.then : request.else) ?? [];
    for (const [index, operation] of ran.entries()) {
      const [kind] = names(operation) as [KeysOf<Operation>];
      const response = (answer.responses[index] as Record<string, unknown>)[kind];
      this.hit(`${where} runs ${kind}`);
      if ('txn' in operation) this.#txn(operation.txn, response as TxnAnswer, 'nested txn');
      else this.#operation(operation, response);
    }
  }
}

interface TxnAnswer {
  readonly succeeded: boolean;
  readonly responses: readonly object[];
}
