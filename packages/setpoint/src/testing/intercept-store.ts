import { type ErrorCode, SetpointError } from '../errors/index.ts';
import type { CallOptions, Store } from '../store/index.ts';

/** The calls that can be made to fail. */
const CALLS = ['range', 'put', 'delete', 'txn', 'leaseGrant', 'leaseKeepAlive', 'leaseRevoke', 'compact'] as const;
export type InterceptedCall = (typeof CALLS)[number];

export interface FailureRule {
  /** Which kind of call. Default: any write (`put`, `delete`, `txn`). */
  readonly call?: InterceptedCall;
  /** Only calls that name a key with this in it. Default: all. */
  readonly key?: string;
  /** The first of the matching calls, from now on, that fails. Default 1. */
  readonly nth?: number;
  /** How many fail from there on. Default 1; Infinity for all. */
  readonly times?: number;
  /** What they fail with. Default `Unavailable`. An error of your own is thrown as it is. */
  readonly error?: ErrorCode | Error;
  /** Whether the call takes effect all the same, as after a lost reply. Default: with `OutcomeUnknown`. */
  readonly applied?: boolean;
}

/** One call as it was made. */
export interface RecordedCall {
  readonly call: InterceptedCall;
  /** The keys it names, with its prefixes. */
  readonly keys: readonly string[];
  readonly failedWith: unknown;
}

export interface InterceptedStore {
  /** To be given to the manager. */
  readonly store: Store;
  /** Every call so far. */
  readonly calls: readonly RecordedCall[];
  /** Makes calls fail. The returned function ends the rule and says how many it made fail. */
  fail(rule?: FailureRule): () => number;
}

interface ActiveRule extends Required<Omit<FailureRule, 'call' | 'key'>> {
  readonly call: InterceptedCall | undefined;
  readonly key: string | undefined;
  met: number;
  failed: number;
}

/**
 * A store whose n-th call fails, to see what a reconciler makes of it.
 *
 * ```ts
 * const { store, fail } = interceptStore(memoryStore({ clock }));
 * fail({ call: 'txn', key: '/servers/', nth: 2, error: 'OutcomeUnknown' });
 * ```
 */
export function interceptStore(inner: Store): InterceptedStore {
  const calls: RecordedCall[] = [];
  const rules = new Set<ActiveRule>();
  const ruleFor = (call: InterceptedCall, keys: readonly string[]): ActiveRule | undefined => {
    for (const rule of rules) {
      if (!concerns(rule, call, keys)) continue;
      rule.met++;
      if (rule.met >= rule.nth && rule.met < rule.nth + rule.times) return rule;
    }
    return undefined;
  };
  const intercept =
    (call: InterceptedCall) =>
    async (request: unknown, options?: CallOptions): Promise<unknown> => {
      const keys = keysIn(request);
      const rule = ruleFor(call, keys);
      const make = inner[call].bind(inner) as (request: unknown, options?: CallOptions) => Promise<unknown>;
      const error = rule && errorOf(rule, call, keys);
      calls.push({ call, keys, failedWith: error });
      if (!rule || !error) return make(request, options);
      rule.failed++;
      if (rule.applied) await make(request, options);
      throw error;
    };
  const intercepted = new Map<string | symbol, unknown>(CALLS.map((call) => [call, intercept(call)]));
  const store = new Proxy(inner, {
    get(target, name) {
      const value: unknown = intercepted.get(name) ?? Reflect.get(target, name, target);
      return typeof value === 'function' && !intercepted.has(name) ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    store,
    calls,
    fail({ call, key, nth = 1, times = 1, error = 'Unavailable', applied = error === 'OutcomeUnknown' } = {}) {
      if (!(nth >= 1) || !(times >= 1)) {
        throw new SetpointError('Invalid', `interceptStore.fail: nth and times count from 1; got ${nth} and ${times}`);
      }
      const rule: ActiveRule = { call, key, nth, times, error, applied, met: 0, failed: 0 };
      rules.add(rule);
      return () => {
        rules.delete(rule);
        return rule.failed;
      };
    },
  };
}

const WRITES: readonly InterceptedCall[] = ['put', 'delete', 'txn'];

function concerns(rule: ActiveRule, call: InterceptedCall, keys: readonly string[]): boolean {
  if (rule.call === undefined ? !WRITES.includes(call) : rule.call !== call) return false;
  return rule.key === undefined || keys.some((key) => key.includes(rule.key!));
}

function errorOf({ error }: ActiveRule, call: string, keys: readonly string[]): Error {
  if (typeof error !== 'string') return error;
  return new SetpointError(error, `the test let this ${call} of ${keys.join(', ')} fail`);
}

/** Every key and prefix that a request names, nested transactions included. */
export function keysIn(request: unknown): readonly string[] {
  const keys = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
    for (const [name, inner] of Object.entries(value)) {
      if (['key', 'prefix', 'fromKey'].includes(name)) keys.add(Buffer.from(inner as Uint8Array).toString());
      else if (name !== 'value' && name !== 'operand') look(inner);
    }
  };
  look(request);
  return [...keys];
}
