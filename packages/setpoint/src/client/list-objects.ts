import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type AnyResourceDefinition, invalid, kindOf, type ObjectOf } from '../resource/index.ts';
import { type KeyValue, keysThatFit, listPages, prefixEnd, type Revision, toBytes } from '../store/index.ts';
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts';
import type { ObjectWriter } from './object-writer.ts';
import { callOptions } from './call-options.ts';
import { isCompacted, reachRevision, type ReadOptions, readRevisions } from './read-options.ts';
import { type Selection, selectionOf, type SelectOptions } from './selection.ts';

export interface ListOptions extends ReadOptions, SelectOptions {
  /** At most so many objects; the rest comes by `continue`. Default: all. */
  readonly limit?: number | undefined;
  /**
   * The `continue` of the page before, with the same selection. All pages are of the first one's revision. When the
   * store has forgotten that, this fails with `Compacted`, whose `details.continue` goes on at the present revision.
   */
  readonly continue?: string | undefined;
}

/** The objects of a kind at one revision. */
export interface ObjectList<Definition> {
  /** In key order. */
  readonly items: readonly ObjectOf<Definition>[];
  /** The revision of the whole list: watching from here misses nothing. */
  readonly resourceVersion: string;
  /** One `Invalid` error for each key whose value is no object of the kind; the others are listed all the same. */
  readonly unreadable: readonly SetpointError[];
  /** There is more: what to pass to get it. Opaque. */
  readonly continue?: string;
  /** How many objects are left after this page. Only without selectors, which take reading to count. */
  readonly remainingItemCount?: number;
  /** This page is of a later revision than the ones before it, because history was lost in between. */
  readonly inconsistent?: boolean;
}

/** How many objects are decoded before other work gets its turn: about 2 ms. */
const DECODE_SLICE = 500;
/** How often a list starts over because its revision was compacted while it was being read. */
const RESTARTS_MAX = 3;
const PAGE_KEYS_MAX = 10_000;

/** Reads all objects, or one page of them, at one revision. */
export async function listObjects<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: ListOptions,
): Promise<ObjectList<Definition>> {
  const { definition, context } = writer;
  const selection = selectionOf(definition, context.prefix, options);
  const { limit } = options;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    const came = typeof limit === 'number' ? String(limit) : kindOf(limit);
    throw invalid({ what: `List of ${definition.kind}` }, 'limit', 'a whole number of at least 1', came);
  }
  if (options.continue !== undefined) return await continued(writer, selection, options, options.continue);
  const { at, notOlderThan } = readRevisions(options);
  if (notOlderThan !== undefined) {
    await reachRevision(context, { key: selection.prefix, wanted: notOlderThan }, callOptions(options));
  }
  for (let restarts = 0; ; restarts++) {
    try {
      return await page(writer, selection, { revision: at, start: selection.prefix }, options);
    } catch (error) {
      if (!isCompacted(error) || at !== undefined || restarts >= RESTARTS_MAX) throw error;
    }
  }
}

async function continued<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  selection: Selection,
  options: ListOptions,
  text: string,
): Promise<ObjectList<Definition>> {
  if (options.at !== undefined || options.notOlderThan !== undefined) {
    const subject = { what: `List of ${writer.definition.kind}` };
    throw invalid(subject, 'continue', 'neither at nor notOlderThan beside it', 'one', 'The token has its revision.');
  }
  const token = decodeContinue(text, selection.prefix);
  try {
    const list = await page(writer, selection, token, options);
    return token.revision === undefined ? { ...list, inconsistent: true } : list;
  } catch (error) {
    if (!isCompacted(error) || token.revision === undefined) throw error;
    throw expired(error, token, selection.prefix);
  }
}

function expired(cause: SetpointError, token: ContinueToken, prefix: string): SetpointError {
  const message =
    `the continue token is of revision ${token.revision}, which the store has forgotten. List from the start, or go on ` +
    'with details.continue, at the present revision: then what changed meanwhile may be missing or show twice.';
  const details = { ...cause.details, continue: encodeContinue({ ...token, revision: undefined }, prefix) };
  return new SetpointError('Compacted', message, { cause, details });
}

async function page<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  { prefix, matches }: Selection,
  { revision, start }: ContinueToken,
  options: ListOptions,
): Promise<ObjectList<Definition>> {
  const { store } = writer.context;
  const { limit = Number.POSITIVE_INFINITY } = options;
  const list = new GatheredList(writer, matches, limit);
  const range = { key: Buffer.from(start, 'latin1'), end: prefixEnd(toBytes(prefix)) };
  // Without selectors a page of the store is a page of the list. With them it takes more, and how many more shows.
  const pageKeysMax = matches ? PAGE_KEYS_MAX : Math.min(limit, PAGE_KEYS_MAX);
  // One call instead of three, where a list before has shown how large objects are. A few that are selected come first.
  const firstPageKeys = matches && limit < Number.POSITIVE_INFINITY ? undefined : writer.pageKeys;
  let left: bigint | undefined;
  for await (const { kvs, count, revision: at } of listPages(store, range, {
    ...callOptions(options),
    revision,
    pageKeysMax,
    firstPageKeys,
  })) {
    left = (left ?? count) - BigInt(await list.add(kvs, at));
    if (list.isFull) break;
  }
  writer.pageKeys = list.pageKeys;
  if (!list.isFull || left === 0n) return list.result;
  const next = encodeContinue({ revision: list.revision, start: `${list.lastKey}\0` }, prefix);
  return { ...list.result, continue: next, ...(matches ? {} : { remainingItemCount: Number(left) }) };
}

/** A list as its pages come in: of each, only the objects are kept. */
class GatheredList<Definition extends AnyResourceDefinition> {
  readonly #writer: ObjectWriter<Definition>;
  readonly #matches: Selection['matches'];
  readonly #limit: number;
  readonly #items: ObjectOf<Definition>[] = [];
  readonly #unreadable: SetpointError[] = [];
  #decoded = 0;
  revision: Revision = 0n;
  /** Everything up to this key has been looked at. */
  lastKey = '';
  /** Of the largest key with its value. */
  #bytesMax = 0;

  constructor(writer: ObjectWriter<Definition>, matches: Selection['matches'], limit: number) {
    this.#writer = writer;
    this.#matches = matches;
    this.#limit = limit;
  }

  get result(): ObjectList<Definition> {
    return { items: this.#items, resourceVersion: String(this.revision), unreadable: this.#unreadable };
  }

  /** How many the first page of the next list may take: if all were as the largest here, and not many more of them. */
  get pageKeys(): number | undefined {
    return this.#decoded === 0 ? undefined : Math.min(keysThatFit(this.#bytesMax), 2 * this.#decoded);
  }

  /** What can't be read takes room too: a page of nothing else must end somewhere. */
  get isFull(): boolean {
    return this.#items.length + this.#unreadable.length >= this.#limit;
  }

  /** Takes keys until the list is full, and says how many it took. */
  async add(kvs: readonly KeyValue[], revision: Revision): Promise<number> {
    this.revision = revision;
    let taken = 0;
    for (const kv of kvs) {
      if (this.isFull) break;
      if (++this.#decoded % DECODE_SLICE === 0) await this.#writer.context.clock.yield();
      this.#bytesMax = Math.max(this.#bytesMax, kv.key.length + kv.value.length);
      this.#decode(kv);
      this.lastKey = Buffer.from(kv.key).toString('latin1');
      taken++;
    }
    return taken;
  }

  #decode(kv: KeyValue): void {
    try {
      const object = this.#writer.codec.decode(kv);
      if (!this.#matches || this.#matches(object)) this.#items.push(object);
    } catch (error) {
      if (!isSetpointError(error, 'Invalid')) throw error;
      this.#unreadable.push(error);
    }
  }
}
