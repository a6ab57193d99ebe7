import { SetpointError } from '../errors/index.ts';
import type { CallOptions, RangeResponse, Revision, Store } from '../store/index.ts';
import { DEFAULT_COORDINATION_PREFIX } from './coordination-name.ts';

/**
 * A number for systems outside the store, which can't be part of its transactions: they remember the largest token they
 * have seen and refuse what comes with a smaller one. Tokens of one line of owners only grow, one for each ownership.
 */
export interface FencingToken {
  /** Raised by hand when the store was restored from a backup, because its revisions start over; see {@link raiseIncarnation}. */
  readonly incarnation: bigint;
  /** The revision that made the owner's key. */
  readonly revision: Revision;
  /** Both in one number: comparing two of these compares the tokens. */
  valueOf(): bigint;
  /** Digits of fixed width: comparing two of these as texts compares the tokens. */
  toString(): string;
}

/** Revisions are below 2⁶³. */
const REVISION_BITS = 64n;
const DIGITS = 30;

export function fencingToken(incarnation: bigint, revision: Revision): FencingToken {
  const value = (incarnation << REVISION_BITS) | revision;
  return Object.freeze({
    incarnation,
    revision,
    valueOf: () => value,
    toString: () => value.toString().padStart(DIGITS, '0'),
  });
}

/** Where the incarnation is kept; absent means 0. */
export const incarnationKey = (prefix: string): string => `${prefix}/incarnation`;

/** Reads the incarnation out of what was read at its key. Throws `Invalid` for what isn't one. */
export function incarnationIn({ kvs }: RangeResponse): bigint {
  const [kv] = kvs;
  if (!kv) return 0n;
  const text = new TextDecoder().decode(kv.value);
  if (/^\d{1,10}$/.test(text)) return BigInt(text);
  throw new SetpointError(
    'Invalid',
    `the key ${new TextDecoder().decode(kv.key)} must hold a whole number of at most ten digits: ` +
      'fencing tokens start with it. Set it to one above its last good value',
  );
}

/**
 * To be called by the operator who has restored the store from a backup, before anything acquires again: revisions start
 * over then, and without this new fencing tokens would be smaller than old ones, so that outside systems refuse every
 * owner (which is safe, and of no use). Gives back the new incarnation.
 */
export async function raiseIncarnation(
  store: Pick<Store, 'range' | 'txn'>,
  options: CallOptions & { readonly prefix?: string } = {},
): Promise<bigint> {
  const { prefix = DEFAULT_COORDINATION_PREFIX, ...call } = options;
  const key = incarnationKey(prefix);
  for (;;) {
    const read = await store.range({ key }, call);
    const next = incarnationIn(read) + 1n;
    const operand = read.kvs[0]?.modRevision ?? 0n;
    const { succeeded } = await store.txn(
      { compares: [{ key, target: 'mod', operator: '=', operand }], then: [{ put: { key, value: String(next) } }] },
      { ...call, alone: true },
    );
    if (succeeded) return next;
  }
}
