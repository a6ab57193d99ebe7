import { isSetpointError } from 'setpoint';
import type { KeyValue, RangeResponse, Revision, WatchEvent } from 'setpoint/store';
import { ResumePoints } from './resume-points.ts';

/** One change that was seen, by which the store's history can be told from another one. */
interface Witness {
  readonly type: 'put' | 'delete';
  readonly key: Uint8Array;
  readonly revision: Revision;
  /** The beginning of the value; empty when it was not seen. */
  readonly value: Uint8Array;
}

/** By what it was recognised that the store's history is another one: the newest revision seen, and the store's own. */
export interface HistoryChange {
  readonly seen: Revision;
  readonly now: Revision;
}

/** Reads one key, linearizably; without a key any that may be read, for the store's revision. */
export type ReadKey = (key: Uint8Array | undefined, revision?: Revision) => Promise<RangeResponse>;

/** So much of a value is enough to tell it from another one at the same key and revision. */
const VALUE_KEPT_BYTES = 1024;

/**
 * What was seen of the store's history, and whether a new connection still leads to that history. A restored backup has
 * the same cluster and member ids, so they tell nothing. Two things do: the store's revision, when it is below what was
 * seen; and when it has overtaken that, the newest change that was seen, which must still stand at its revision.
 *
 * What can't be told: a restore whose lost part held nothing that was seen here, and one whose evidence is compacted.
 */
export class History {
  readonly resumePoints: ResumePoints = new ResumePoints();
  #highest: Revision = 0n;
  #witness: Witness | undefined;
  #incarnation = 0;
  #reset: HistoryChange | undefined;
  /** Connections that lead to this history. What others say is not kept as evidence of it. */
  #trusted = new WeakSet<object>();
  /** Those under way. */
  readonly #checks = new WeakMap<object, Promise<void>>();
  readonly #onReset: ((reset: HistoryChange) => void) | undefined;

  constructor(onReset?: (reset: HistoryChange) => void) {
    this.#onReset = onReset;
  }

  /** Counts the resets: who began in another incarnation has to begin anew. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** What the last reset was recognised by. */
  get lastReset(): HistoryChange | undefined {
    return this.#reset;
  }

  /** Takes note of an answer that came over `connection`: the store's revision, and keys that it gave. */
  observe(connection: object | undefined, revision: Revision, kvs: readonly KeyValue[] = []): void {
    if (connection === undefined || !this.#trusts(connection)) return;
    if (revision > this.#highest) this.#highest = revision;
    let newest: KeyValue | undefined;
    for (const kv of kvs) if (kv.modRevision > (newest?.modRevision ?? 0n)) newest = kv;
    if (newest) this.#saw('put', newest);
  }

  /** Takes note of the last event of a batch. */
  observeEvents(connection: object | undefined, events: readonly WatchEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.observe(connection, last.kv.modRevision);
    // One that came and went in one revision leaves nothing there to find again.
    if (last.type === 'delete' && events.some((event) => event !== last && isSameChange(event, last))) return;
    if (connection !== undefined && this.#trusts(connection)) this.#saw(last.type, last.kv);
  }

  /**
   * Finds out whether `connection` leads to the history that was seen, once for each connection, and once more after
   * each reset. When it does not, the incarnation is another one afterwards. Rejects as `read` does.
   */
  confirm(connection: object, read: ReadKey): Promise<void> {
    if (this.#trusts(connection)) return Promise.resolve();
    const underWay = this.#checks.get(connection);
    if (underWay) return underWay;
    const check = this.#check(connection, read).finally(() => this.#checks.delete(connection));
    this.#checks.set(connection, check);
    return check;
  }

  #trusts(connection: object): boolean {
    if (this.#highest === 0n && this.#incarnation === 0) this.#trusted.add(connection);
    return this.#trusted.has(connection);
  }

  #saw(type: Witness['type'], { key, value, modRevision: revision }: KeyValue): void {
    if (revision <= (this.#witness?.revision ?? 0n)) return;
    // Copies, or the whole message that they came in would be kept.
    this.#witness = { type, key: key.slice(), value: value.slice(0, VALUE_KEPT_BYTES), revision };
  }

  async #check(connection: object, read: ReadKey): Promise<void> {
    let incarnation: number;
    let change: HistoryChange | undefined;
    // Another connection may have found a reset meanwhile: then it is the history since that counts.
    do {
      incarnation = this.#incarnation;
      change = await this.#compare(read);
    } while (incarnation !== this.#incarnation);
    if (change) this.#startOver(change);
    this.#trusted.add(connection);
  }

  /** What is different from what was seen, if anything is. */
  async #compare(read: ReadKey): Promise<HistoryChange | undefined> {
    const [seen, witness] = [this.#highest, this.#witness];
    const now = await readable(read, witness?.key);
    const same = now.revision >= seen && (!witness || !(await contradicts(now, witness, read)));
    return same ? undefined : { seen, now: now.revision };
  }

  #startOver(change: HistoryChange): void {
    this.#reset = change;
    this.#incarnation++;
    this.#highest = change.now;
    this.#witness = undefined;
    this.#trusted = new WeakSet();
    this.#onReset?.(change);
  }
}

/** The store's present revision, with the key where it may still be read. */
async function readable(read: ReadKey, key: Uint8Array | undefined): Promise<RangeResponse> {
  try {
    return await read(key);
  } catch (error) {
    if (key === undefined || !isSetpointError(error, 'PermissionDenied')) throw error;
    return read(undefined);
  }
}

async function contradicts(now: RangeResponse, witness: Witness, read: ReadKey): Promise<boolean> {
  // Mostly nothing happened to the key meanwhile, and one read is all it takes.
  if (witness.type === 'put' && isWitness(now.kvs[0], witness)) return false;
  const then = await readAt(read, witness.key, witness.revision);
  if (then === 'unreadable') return false;
  if (then === 'future') return true;
  if (witness.type === 'put') return !isWitness(then.kvs[0], witness);
  if (then.kvs.length > 0) return true;
  // A key that is absent proves little; one that was there a revision earlier was deleted at that very revision.
  const before = await readAt(read, witness.key, witness.revision - 1n);
  return typeof before === 'object' && before.kvs.length === 0;
}

function isSameChange({ kv: one }: WatchEvent, { kv: other }: WatchEvent): boolean {
  return one.modRevision === other.modRevision && Buffer.compare(one.key, other.key) === 0;
}

function isWitness(kv: KeyValue | undefined, { revision, value }: Witness): boolean {
  if (kv?.modRevision !== revision) return false;
  return value.length === 0 || Buffer.compare(kv.value.subarray(0, VALUE_KEPT_BYTES), value) === 0;
}

async function readAt(
  read: ReadKey,
  key: Uint8Array,
  revision: Revision,
): Promise<RangeResponse | 'unreadable' | 'future'> {
  try {
    return await read(key, revision);
  } catch (error) {
    if (isSetpointError(error, 'FutureRevision')) return 'future';
    if (isSetpointError(error, 'Compacted') || isSetpointError(error, 'PermissionDenied')) return 'unreadable';
    throw error;
  }
}
