import { setTimeout as wait } from 'node:timers/promises';
import { type ErrorCode, isSetpointError, type SetpointError } from 'setpoint';
import type { Informer } from 'setpoint/informer';
import { keyText, type Store, type WatchEvent } from 'setpoint/store';

/** Throws `what` when the condition does not hold. */
export function check(condition: boolean, what: string | (() => string)): asserts condition {
  if (!condition) throw new Error(typeof what === 'string' ? what : what());
}

/** Checks that two lists are the same, and names the first difference. */
export function checkSame(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  const differs = expected.findIndex((each, index) => each !== actual[index]);
  check(
    differs === -1 && actual.length === expected.length,
    () =>
      `${what}: ${actual.length} instead of ${expected.length}` +
      (differs === -1 ? '' : `, at ${differs} ${String(actual[differs])} instead of ${String(expected[differs])}`),
  );
}

/** The error that a call must fail with. */
export async function failure(
  call: Promise<unknown>,
  codes: readonly ErrorCode[],
  what: string,
): Promise<SetpointError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  check(error !== undefined, `${what} succeeded instead of failing with ${codes.join(' or ')}`);
  if (!isSetpointError(error))
    throw new Error(`${what} failed with something that is no SetpointError`, { cause: error });
  check(codes.includes(error.code), `${what} failed with ${error.message} instead of ${codes.join(' or ')}`);
  return error;
}

/** Waits until the condition holds; throws `what` when it does not within so long. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  withinMs = 15_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    check(performance.now() < end, () => `not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    await wait(10);
  }
}

/** Settles as `work` does; throws when that takes longer than so long. */
export async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const timeout = new AbortController();
  const late = wait(ms, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`not within ${ms} ms: ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timeout.abort();
    late.catch(() => {});
  }
}

/**
 * C1: what the informer's cache holds is what the store holds at the cache's revision. Waits for the cache to reach the
 * store's present first.
 */
export async function auditCache(informer: Informer<string>, store: Store, withinMs = 15_000): Promise<void> {
  const { prefix } = informer;
  const marker = await store.put({ key: `${prefix}~audit`, value: String(Math.floor(performance.now() * 1000)) });
  await eventually(
    () => informer.hasSynced && informer.revision >= marker.revision,
    () =>
      `the cache of ${prefix} reaches revision ${marker.revision}; it is at ${informer.revision}, ${informer.phase}`,
    withinMs,
  );
  const revision = informer.revision;
  const cached = informer.lister.keys();
  const held = new Map([...cached].map((key) => [key, informer.lister.entry(key)!]));
  const { kvs } = await store.range({ prefix, revision });
  const decoder = new TextDecoder();
  const stored = new Map(kvs.map((kv) => [keyText(kv.key).slice(prefix.length), kv]));
  const wrong = [...new Set([...held.keys(), ...stored.keys()])].filter((key) => {
    const [own, its] = [held.get(key), stored.get(key)];
    return !own || !its || own.modRevision !== its.modRevision || own.object !== decoder.decode(its.value);
  });
  check(
    wrong.length === 0,
    () => `C1: at revision ${revision} the cache differs from the store in ${wrong.join(', ')}`,
  );
}

/** That a watch of all that one writer writes, one key a revision, delivered each revision from `first` to `last` once. */
export function checkRun(events: readonly WatchEvent[], first: bigint, last: bigint): void {
  const expected = Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index));
  checkSame(
    events.map(({ kv }) => kv.modRevision),
    expected,
    'revisions delivered',
  );
}

/** That a watch delivered each revision at most once and in order. */
export function checkOrder(events: readonly WatchEvent[]): void {
  const keys = new Set<string>();
  let last = 0n;
  for (const { kv } of events) {
    check(kv.modRevision >= last, `revision ${kv.modRevision} came after ${last}`);
    if (kv.modRevision > last) keys.clear();
    last = kv.modRevision;
    const key = keyText(kv.key);
    check(!keys.has(key), `${key} came twice at revision ${last}`);
    keys.add(key);
  }
}
