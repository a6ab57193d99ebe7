import type {
  DeleteRequest,
  DeleteResponse,
  KeyValue,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  Revision,
} from '../port.ts';
import { type ByteText, byteText, textRange } from './byte-text.ts';
import { eventOf, type LoggedEvent } from './event-log.ts';
import type { KeyIndex } from './key-index.ts';
import { copyOf, ownBytes, putVersion, tombstone } from './key-value.ts';
import type { LeaseTable } from './leases.ts';
import { answerRange } from './range-query.ts';

/**
 * One write in progress. All its changes share one revision, the one after `before`, which exists only if there is a
 * change at all: deleting nothing moves nothing. It can't fail, so everything that may be refused is checked earlier.
 */
export class Writer {
  readonly #index: KeyIndex;
  readonly #leases: LeaseTable;
  readonly #before: Revision;
  readonly #changes: LoggedEvent[] = [];

  constructor(index: KeyIndex, leases: LeaseTable, before: Revision) {
    this.#index = index;
    this.#leases = leases;
    this.#before = before;
  }

  /** What was changed so far, in order. */
  get changes(): readonly LoggedEvent[] {
    return this.#changes;
  }

  /** The revision that answers name at this point: reads see the changes made so far. */
  get revision(): Revision {
    return this.#changes.length > 0 ? this.#before + 1n : this.#before;
  }

  range(request: RangeRequest): RangeResponse {
    return answerRange(this.#index, request, this.revision);
  }

  put(request: PutRequest): PutResponse {
    const text = byteText(request.key);
    const current = this.#index.current(text);
    const key = current?.key ?? ownBytes(request.key);
    const put = { key, value: ownBytes(request.value), lease: request.lease ?? 0n };
    this.#leases.attach(text, current?.lease ?? 0n, put.lease);
    this.#record(text, putVersion(put, current, this.#before + 1n));
    const { revision } = this;
    return request.prevKv && current ? { revision, prevKv: copyOf(current) } : { revision };
  }

  delete(request: DeleteRequest): DeleteResponse {
    const doomed: KeyValue[] = [];
    this.#index.visit(textRange(request), undefined, (kv) => void doomed.push(kv));
    for (const kv of doomed) this.#remove(byteText(kv.key), kv);
    const prevKvs = request.prevKv ? doomed.map((kv) => copyOf(kv)) : [];
    return { revision: this.revision, deleted: BigInt(doomed.length), prevKvs };
  }

  /** Deletes one key if it exists. */
  deleteKey(text: ByteText): void {
    const kv = this.#index.current(text);
    if (kv) this.#remove(text, kv);
  }

  #remove(text: ByteText, current: KeyValue): void {
    this.#leases.attach(text, current.lease, 0n);
    this.#record(text, tombstone(current.key, this.#before + 1n));
  }

  #record(text: ByteText, version: KeyValue): void {
    const created = version.createRevision === version.modRevision;
    const prev = created ? undefined : this.#index.at(text, this.#before);
    this.#index.append(text, version);
    this.#changes.push(eventOf(text, version, prev));
  }
}
