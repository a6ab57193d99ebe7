import { isSetpointError, SetpointError } from '../errors/index.ts';
import { sleep } from '../internal/clock.ts';
import { invalid, kindOf, quote } from '../resource/index.ts';
import type { BytesLike, CallOptions, RangeResponse, Revision } from '../store/index.ts';
import { callOptions } from './call-options.ts';
import type { ClientContext } from './object-writer.ts';

/** How current a read has to be. Default: the present. */
export interface ReadOptions extends CallOptions {
  /** Reads what was at this `resourceVersion`, as long as the store's history lasts (`Compacted` after that). */
  readonly at?: string | undefined;
  /**
   * A `resourceVersion` that the answer must not be older than: one that another store client was given, say. Waits up
   * to 3 s for the store to get there, then fails with `FutureRevision`.
   */
  readonly notOlderThan?: string | undefined;
}

const REVISION = /^[1-9][0-9]{0,18}$/;
/** etcd's own cache waits as long. */
const WAIT_MAX_MS = 3000;
const WAIT_STEP_MS = 100;
const RETRY_AFTER_MS = 1000;

/** A `resourceVersion` as a revision. Throws `Invalid` for anything else. */
export function revisionFrom(text: unknown, path: string): Revision {
  if (typeof text === 'string' && REVISION.test(text)) return BigInt(text);
  const came = typeof text === 'string' ? quote(text) : kindOf(text);
  throw invalid(
    { what: 'Read' },
    path,
    'a resourceVersion, in decimal digits',
    came,
    'Take it from an object or a list.',
  );
}

/** The revision to read at and the one to wait for, checked. */
export function readRevisions({ at, notOlderThan }: ReadOptions): {
  readonly at: Revision | undefined;
  readonly notOlderThan: Revision | undefined;
} {
  if (at !== undefined && notOlderThan !== undefined) {
    throw invalid({ what: 'Read' }, 'at', 'either at or notOlderThan', 'both', 'A past revision is as old as it is.');
  }
  return {
    at: at === undefined ? undefined : revisionFrom(at, 'at'),
    notOlderThan: notOlderThan === undefined ? undefined : revisionFrom(notOlderThan, 'notOlderThan'),
  };
}

/** Waits until the store has reached a revision, asking by a key that the caller may read. A store that was restored may never: that ends as `FutureRevision`. */
export async function reachRevision(
  { store, clock }: ClientContext,
  { key, wanted }: { readonly key: BytesLike; readonly wanted: Revision },
  call: CallOptions,
): Promise<void> {
  const start = clock.now();
  for (;;) {
    const { revision } = await store.range({ key, keysOnly: true }, call);
    if (revision >= wanted) return;
    if (clock.now() - start >= WAIT_MAX_MS) throw tooLarge(wanted, revision);
    await sleep(clock, WAIT_STEP_MS, call.signal, { ref: true });
    if (call.signal?.aborted) {
      throw new SetpointError('Aborted', `given up while waiting for revision ${wanted}`, {
        cause: call.signal.reason,
      });
    }
  }
}

function tooLarge(wanted: Revision, revision: Revision): SetpointError {
  return new SetpointError(
    'FutureRevision',
    `a read that must not be older than revision ${wanted}: the store is at ${revision} after ${WAIT_MAX_MS} ms. ` +
      'Is it a revision of another store, or of one that was restored since? Try again later or read the present.',
    { details: { revision, retryAfterMs: RETRY_AFTER_MS } },
  );
}

/** A range read as current as the options ask for. */
export async function readRange(
  context: ClientContext,
  request: { readonly key: string },
  options: ReadOptions,
): Promise<RangeResponse> {
  const { at, notOlderThan } = readRevisions(options);
  const call = callOptions(options);
  const { key } = request;
  const response = await context.store.range(at === undefined ? request : { ...request, revision: at }, call);
  if (notOlderThan === undefined || response.revision >= notOlderThan) return response;
  await reachRevision(context, { key, wanted: notOlderThan }, call);
  return await context.store.range(request, call);
}

/** Whether a read failed because the revision it was for is compacted. */
export const isCompacted = (error: unknown): error is SetpointError => isSetpointError(error, 'Compacted');
