import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type AnyResourceDefinition, type ObjectOf } from '../resource/index.ts';
import type { KeyValue, Revision, WatchBatch, WatchEvent } from '../store/index.ts';
import { listObjects } from './list-objects.ts';
import type { ObjectWriter } from './object-writer.ts';
import { revisionFrom } from './read-options.ts';
import { type Selection, selectionOf, type SelectOptions } from './selection.ts';

export interface WatchObjectsOptions extends SelectOptions {
  /**
   * The `resourceVersion` of a list, or of the last event: told is what came after it. Default: everything that is
   * there first, as `ADDED` with `initial`, then what follows.
   */
  readonly from?: string | undefined;
  /** Tells also how far it is, as `BOOKMARK`, when the store says so. Default false. */
  readonly bookmarks?: boolean;
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One change of an object. `DELETED` carries the object as it was last, at the revision of the deletion; with
 * selectors, an object that starts to match is `ADDED` and one that stops to match is `DELETED`.
 */
export type ObjectEvent<Definition> =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: ObjectOf<Definition>;
      readonly resourceVersion: string;
      /** The object was there when the watch began. */
      readonly initial?: boolean;
    }
  /** Everything up to this revision has been told. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  /** What was written to a key is no object of the kind. Nothing more is told of it until something better is. */
  | {
      readonly type: 'UNREADABLE';
      readonly key: string;
      readonly error: SetpointError;
      readonly resourceVersion: string;
    };

/**
 * Follows a kind's objects: each change once, in the order of revisions, without a gap, also over lost connections.
 * Fails with `Compacted` when the store has forgotten what is needed, so that the objects have to be listed anew. An
 * informer does all that by itself and keeps a cache besides; this is for passing events on.
 */
export async function* watchObjects<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: WatchObjectsOptions,
): AsyncGenerator<ObjectEvent<Definition>, void, void> {
  const { definition, context } = writer;
  const { signal } = options;
  const selection = selectionOf(definition, context.prefix, options);
  let from: Revision;
  if (options.from === undefined) {
    const { namespace, labelSelector, fieldSelector } = options;
    const select = { namespace, labelSelector, fieldSelector, ...(signal && { signal }) };
    const list = await listObjects(writer, select).catch((error: unknown) => {
      if (signal?.aborted) return undefined;
      throw error;
    });
    if (!list) return;
    yield* initialEvents(list.items);
    from = BigInt(list.resourceVersion);
  } else {
    from = revisionFrom(options.from, 'from');
  }
  const request = { prefix: selection.prefix, startRevision: from + 1n, prevKv: true };
  const events = new EventReader(writer, selection);
  for await (const batch of context.store.watch(request, signal ? { signal } : {})) {
    yield* events.read(batch);
    if (options.bookmarks === true) yield { type: 'BOOKMARK', resourceVersion: String(batch.revision) };
  }
}

function* initialEvents<Definition>(items: readonly ObjectOf<Definition>[]): Generator<ObjectEvent<Definition>> {
  for (const object of items) {
    yield { type: 'ADDED', object, resourceVersion: object.metadata.resourceVersion, initial: true };
  }
}

/** From the store's events to those of objects. */
class EventReader<Definition extends AnyResourceDefinition> {
  readonly #writer: ObjectWriter<Definition>;
  readonly #matches: Selection['matches'];

  constructor(writer: ObjectWriter<Definition>, { matches }: Selection) {
    this.#writer = writer;
    this.#matches = matches;
  }

  *read(batch: WatchBatch): Generator<ObjectEvent<Definition>> {
    for (const event of batch.events) {
      const read = this.#readOne(event);
      if (read) yield read;
    }
  }

  #readOne(event: WatchEvent): ObjectEvent<Definition> | undefined {
    const { type, kv, prevKv } = event;
    const resourceVersion = String(kv.modRevision);
    if (!prevKv && !isCreate(event)) throw withoutPrevious(kv);
    const before = prevKv && this.#matching(this.#decode(prevKv));
    if (type === 'delete') return before && { type: 'DELETED', object: at(before, resourceVersion), resourceVersion };
    const decoded = this.#decode(kv);
    if (isSetpointError(decoded)) {
      return { type: 'UNREADABLE', key: Buffer.from(kv.key).toString('latin1'), error: decoded, resourceVersion };
    }
    const object = this.#matching(decoded);
    if (object) return { type: before ? 'MODIFIED' : 'ADDED', object, resourceVersion };
    return before && { type: 'DELETED', object: at(before, resourceVersion), resourceVersion };
  }

  #matching(object: ObjectOf<Definition> | SetpointError): ObjectOf<Definition> | undefined {
    if (isSetpointError(object)) return undefined;
    return !this.#matches || this.#matches(object) ? object : undefined;
  }

  #decode(kv: KeyValue): ObjectOf<Definition> | SetpointError {
    try {
      return this.#writer.codec.decode(kv);
    } catch (error) {
      if (isSetpointError(error, 'Invalid')) return error;
      throw error;
    }
  }
}

const isCreate = ({ type, kv }: WatchEvent): boolean => type === 'put' && kv.createRevision === kv.modRevision;

function at<T extends ObjectOf<AnyResourceDefinition>>(object: T, resourceVersion: string): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

/** The store leaves the value before a change out when it has forgotten it. Guessing would lose a change. */
function withoutPrevious({ key, modRevision }: KeyValue): SetpointError {
  const text = Buffer.from(key).toString('latin1');
  return new SetpointError(
    'Compacted',
    `what was at ${text} before revision ${modRevision} is forgotten, so what changed can't be told. List again and ` +
      "watch from the list's revision.",
    { details: { key: text, revision: modRevision } },
  );
}
