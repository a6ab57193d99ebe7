import { isSetpointError, SetpointError } from '../../errors/index.ts';
import { Backoff } from '../../internal/backoff.ts';
import { type Clock, sleep } from '../../internal/clock.ts';
import { systemRandom } from '../../internal/random.ts';
import { type KeyValue, listPages, type Revision, type Store, type WatchEvent } from '../../store/index.ts';
import { revisionsOf } from './follow-store.ts';

/** What follows a store's keys. Whatever it throws counts as a failure to follow. */
export interface PrefixFollower {
  /** All that there was at `revision`: at first, and again whenever the changes since were missed. */
  listed(revision: Revision, kvs: readonly KeyValue[]): void;
  /** The changes of the next revision. */
  changed(revision: Revision, events: readonly WatchEvent[]): void;
  /** It can't be followed: told once, until {@link listed} is called again. */
  lost(error: unknown): void;
}

export interface FollowOptions {
  readonly store: Store;
  /** Ends with '/'. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Tells what has happened from this revision on. Default: from now on. */
  readonly startRevision?: Revision | undefined;
}

/** Spacing of attempts, in milliseconds: that of client-go's reflector, as the informer has it. */
const ATTEMPTS = { baseMs: 800, maxMs: 30_000 };

/**
 * Follows keys of a store in production: lists them and watches from there, and begins anew when that breaks, until the
 * signal aborts or the store is closed. Rejects only when {@link PrefixFollower.lost} throws.
 */
export async function followPrefix(options: FollowOptions, follower: PrefixFollower): Promise<void> {
  const { clock, signal } = options;
  const backoff = new Backoff(ATTEMPTS, systemRandom);
  let lost = false;
  let { startRevision } = options;
  while (!signal.aborted) {
    try {
      const revision = await list(options, startRevision, follower);
      startRevision = undefined;
      lost = false;
      await watch(options, revision, (at, events) => {
        backoff.reset();
        follower.changed(at, events);
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!lost) follower.lost(error);
      lost = true;
      if (isSetpointError(error, 'Closed')) return;
      // What happened then is not known any more: from now on, rather than not at all.
      if (isSetpointError(error, 'Compacted')) startRevision = undefined;
      await sleep(clock, backoff.next(), signal);
    }
  }
}

/** Gives the revision that the list is of. */
async function list(
  { store, prefix, signal }: FollowOptions,
  startRevision: Revision | undefined,
  follower: PrefixFollower,
): Promise<Revision> {
  if (startRevision !== undefined && startRevision <= 1n) {
    follower.listed(0n, []);
    return 0n;
  }
  const asked = startRevision === undefined ? undefined : startRevision - 1n;
  const kvs: KeyValue[] = [];
  let revision = 0n;
  for await (const page of listPages(store, { prefix }, { signal, revision: asked })) {
    ({ revision } = page);
    kvs.push(...page.kvs);
  }
  if (!signal.aborted) follower.listed(revision, kvs);
  return revision;
}

async function watch(
  { store, prefix, signal }: FollowOptions,
  since: Revision,
  changed: PrefixFollower['changed'],
): Promise<void> {
  for await (const batch of store.watch({ prefix, startRevision: since + 1n }, { signal })) {
    if (signal.aborted) return;
    for (const [at, events] of revisionsOf(batch)) changed(at, events);
  }
  if (!signal.aborted) throw new SetpointError('Closed', 'the watch ended: the store was closed');
}
