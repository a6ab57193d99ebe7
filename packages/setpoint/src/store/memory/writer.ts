import type {
  DeleteRequest,
  DeleteResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  Revision,
} from '../port.ts';
import { type ByteText, byteText, textRange } from './byte-text.ts';
import type { EventLog } from './event-log.ts';
import { keep, ownText } from './kept-bytes.ts';
import type { KeyIndex } from './key-index.ts';
import type { LeaseTable } from './leases.ts';
import { answerRange } from './range-query.ts';
import { keyValueOf, putVersion, tombstone, type Version } from './version.ts';

/** What a write works on. */
export interface WriterStore {
  readonly index: KeyIndex;
  readonly log: EventLog;
  readonly leases: LeaseTable;
}

/**
 * One write in progress. All its changes share one revision, the one after `before`, which exists only if there is a
 * change at all: deleting nothing moves nothing. It can't fail, so everything that may be refused is checked earlier.
 */
export class Writer {
  readonly #store: WriterStore;
  readonly #before: Revision;
  readonly #after: Revision;
  readonly #changes: Version[] = [];

  constructor(store: WriterStore, before: Revision) {
    this.#store = store;
    this.#before = before;
    this.#after = before + 1n;
  }

  /** What was changed so far, in order. */
  get changes(): readonly Version[] {
    return this.#changes;
  }

  /** The revision that answers name at this point: reads see the changes made so far. */
  get revision(): Revision {
    return this.#changes.length > 0 ? this.#after : this.#before;
  }

  range(request: RangeRequest): RangeResponse {
    return answerRange({ ...this.#store, changes: this.#changes }, request, this.revision);
  }

  put(request: PutRequest): PutResponse {
    const asked = byteText(request.key);
    const current = this.#store.index.current(asked);
    const text = current?.text ?? ownText(asked);
    const put = {
      text,
      value: keep(request.value),
      lease: request.keepLease ? (current?.lease ?? 0n) : (request.lease ?? 0n),
    };
    this.#store.leases.attach(text, current?.lease ?? 0n, put.lease);
    this.#record(putVersion(put, current, this.#after));
    const { revision } = this;
    return request.prevKv && current ? { revision, prevKv: keyValueOf(current) } : { revision };
  }

  delete(request: DeleteRequest): DeleteResponse {
    const doomed: Version[] = [];
    this.#store.index.visit(textRange(request), undefined, (version) => void doomed.push(version));
    for (const version of doomed) this.#remove(version);
    const prevKvs = request.prevKv ? doomed.map((version) => keyValueOf(version)) : [];
    return { revision: this.revision, deleted: BigInt(doomed.length), prevKvs };
  }

  /** Deletes one key if it exists. */
  deleteKey(text: ByteText): void {
    const current = this.#store.index.current(text);
    if (current) this.#remove(current);
  }

  #remove(current: Version): void {
    this.#store.leases.attach(current.text, current.lease, 0n);
    this.#record(tombstone(current.text, this.#after));
  }

  #record(version: Version): void {
    const { index } = this.#store;
    const created = version.createRevision === version.modRevision;
    if (!created) version.replaced = index.at(version.text, this.#before);
    index.append(version);
    this.#changes.push(version);
  }
}
