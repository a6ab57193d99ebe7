import { isSetpointError, SetpointError } from '../errors/index.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import { type AnyResourceDefinition, type Difference, differences, type ObjectOf } from '../resource/index.ts';
import { type CallOptions, progressRequests, type Revision, type WatchEvent } from '../store/index.ts';
import { ProgressAsker } from '../store/progress-asker.ts';
import type { Target } from './object-ref.ts';
import type { ObjectWriter } from './object-writer.ts';
import { callOptions } from './call-options.ts';
import { isCompacted } from './read-options.ts';

/** One version of an object. */
export interface ObjectVersion<Definition> {
  readonly type: 'created' | 'updated' | 'deleted';
  readonly resourceVersion: string;
  /** As it was from then on; of a delete, as it was last; undefined when it can't be read (see `error`). */
  readonly object: ObjectOf<Definition> | undefined;
  readonly error?: SetpointError;
  /** What changed since the version before: every field, with its value before and after. */
  readonly changes: readonly Difference[];
}

/** What the store remembers of the objects that had one name. */
export interface ObjectHistory<Definition> {
  /** The oldest first. */
  readonly versions: readonly ObjectVersion<Definition>[];
  /** Whether it goes back to the first that the store ever had; otherwise what was before is compacted. */
  readonly complete: boolean;
}

/** Everything that happened to one key, as far back as the store's history goes. */
export async function objectHistory<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  target: Target,
  options: CallOptions,
): Promise<ObjectHistory<Definition>> {
  const { revision, kvs } = await writer.context.store.range({ key: target.storeKey }, callOptions(options));
  // What is there was last changed then, so nothing has to be heard of what came after it, which old servers don't tell.
  const end = kvs[0]?.modRevision ?? revision;
  let start = 1n;
  let events: WatchEvent[];
  for (;;) {
    try {
      events = await eventsUntil(writer, target, { start, end }, options);
      break;
    } catch (error) {
      if (!isCompacted(error) || error.details.revision === undefined) throw error;
      start = error.details.revision + 1n;
    }
  }
  const versions = events.map((event) => versionOf(writer, event));
  const oldest = versions[0];
  const [known] = kvs;
  if (!oldest && known) {
    // Nothing has happened since history begins: what is there is all there is.
    const created = known.createRevision === known.modRevision;
    return { versions: [versionOf(writer, { type: 'put', kv: known })], complete: created };
  }
  return { versions, complete: start === 1n || (oldest?.type ?? 'created') === 'created' };
}

async function eventsUntil(
  { context }: ObjectWriter<AnyResourceDefinition>,
  { storeKey: key }: Target,
  { start, end }: { readonly start: Revision; readonly end: Revision },
  { signal, timeoutMs }: CallOptions,
): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  if (start > end) return events;
  const link = linkedAbort(signal);
  // A watch goes on by itself over whatever breaks, for as long as it takes.
  const patience = timeoutMs === undefined ? undefined : context.clock.setTimer(() => link.abort(undefined), timeoutMs);
  const progress = progressRequests();
  const asker = new ProgressAsker(context.clock, () => progress.request());
  const request = { key, startRevision: start, prevKv: true };
  const batches = context.store.watch(request, { signal: link.signal, progress })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await asker.during(batches.next());
      if (next.done) throw endedEarly(key, signal, link.signal.aborted);
      events.push(...next.value.events.filter(({ kv }) => kv.modRevision <= end));
      if (next.value.revision >= end) return events;
    }
  } finally {
    patience?.cancel();
    link.abort(undefined);
    link.unlink();
    await batches.return?.();
  }
}

/** Half a history must not pass for a whole one. */
function endedEarly(key: string, signal: AbortSignal | undefined, isLate: boolean): SetpointError {
  if (!signal?.aborted && isLate) {
    return new SetpointError(
      'DeadlineExceeded',
      `the history of ${key} was not told in time: ask again, or give it longer`,
    );
  }
  if (!signal?.aborted) return new SetpointError('Unavailable', `the history of ${key} broke off: ask again`);
  return new SetpointError('Aborted', `the history of ${key} was given up`, { cause: signal.reason });
}

function versionOf<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  { type, kv, prevKv }: WatchEvent,
): ObjectVersion<Definition> {
  const read = (from: WatchEvent['kv'] | undefined): ObjectOf<Definition> | SetpointError | undefined => {
    try {
      return from && writer.codec.decode(from);
    } catch (error) {
      if (isSetpointError(error, 'Invalid')) return error;
      throw error;
    }
  };
  const resourceVersion = String(kv.modRevision);
  const before = read(prevKv);
  const known = before && !isSetpointError(before) ? before : undefined;
  if (type === 'delete') return { type: 'deleted', resourceVersion, object: known, changes: [] };
  const after = read(kv);
  const which = kv.createRevision === kv.modRevision ? 'created' : 'updated';
  if (!after || isSetpointError(after)) {
    return { type: which, resourceVersion, object: undefined, ...(after && { error: after }), changes: [] };
  }
  return {
    type: which,
    resourceVersion,
    object: after,
    changes: known ? differences(content(known), content(after)) : [],
  };
}

/** What a version says, without what every version says anew. */
function content({ metadata, spec, status }: ObjectOf<AnyResourceDefinition>): object {
  const { resourceVersion: _, writeId: __, managedFields: ___, ...rest } = metadata;
  return { metadata: rest, spec, status };
}
