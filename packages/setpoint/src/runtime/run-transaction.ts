import { isSetpointError, SetpointError } from '../errors/index.ts';
import {
  type CallOptions,
  type Compare,
  keyText,
  type KeyValue,
  type Operation,
  type PutRequest,
  type RangeRequest,
  type RangeResponse,
  resolveOutcome,
  type Revision,
  type Store,
  toBytes,
  type TxnRequest,
  type TxnResponse,
} from '../store/index.ts';
import { inRange } from './key-in-range.ts';

/** Revisions of writes that wait for the commit: far above all that a store reaches, so that nobody takes them for one. */
const PENDING_BASE: Revision = 1n << 62n;

/** A write that waits: what the key will hold, or that it will be gone. */
type Pending = { readonly put: KeyValue } | { readonly deleted: true };

/**
 * The reads and writes of one run of a transactional reconcile. Reads go to the store and see the writes that wait;
 * writes wait for {@link RunTransaction.commit}, which makes them in one transaction, on condition that every key that
 * was read, or handed out from a cache, is still at the revision at which it was.
 *
 * An object that is created or changed here carries a `resourceVersion` that is good within the run alone. What a list
 * did not have is no key, and so not guarded; a name that was looked for in vain is.
 */
export class RunTransaction {
  readonly #store: Store;
  /** By key, the mod revision that it must still have; 0: it must not be there. */
  readonly #guards = new Map<string, Revision>();
  /** What the store said of the keys that were read from it. */
  readonly #read = new Map<string, KeyValue | undefined>();
  readonly #pending = new Map<string, Pending>();
  #lastPending = PENDING_BASE;
  #over = false;

  readonly #operationsMax: number;

  /** `operationsMax`: how many one transaction may have; a fence of the store's takes some. */
  constructor(store: Store, operationsMax: number) {
    this.#store = store;
    this.#operationsMax = operationsMax;
  }

  /** From now on nothing is read or written: a write that came later would wait for ever. */
  end(): void {
    this.#over = true;
  }

  /** The store as the run sees it. Takes what the client sends, and refuses other writes. */
  handle(): Store {
    const store = this.#store;
    const refuse = (): never => {
      throw new SetpointError('Unsupported', 'a transactional reconcile writes objects, and nothing else');
    };
    return {
      range: async (request, options) => this.#open().range(request, options),
      txn: async (request, options) => this.#open().txn(request, options),
      watch: (request, options) => store.watch(request, options),
      put: refuse,
      delete: refuse,
      compact: refuse,
      leaseGrant: refuse,
      leaseKeepAlive: refuse,
      leaseRevoke: refuse,
      disarm: refuse,
      leaseTimeToLive: (id, options) => store.leaseTimeToLive(id, options),
      leases: (options) => store.leases(options),
      status: (options) => store.status(options),
      members: (options) => store.members(options),
      alarms: (options) => store.alarms(options),
      close: () => Promise.resolve(),
    };
  }

  /**
   * Notes that `key` was read at `modRevision`, 0 for its absence. Throws `Conflict` when it was read at another one
   * before: no commit could follow from both.
   */
  guard(key: string, modRevision: Revision): void {
    const known = this.#guards.get(key);
    if (known !== undefined && known !== modRevision) throw changed(key);
    this.#guards.set(key, modRevision);
  }

  async range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    // A past state can't change any more, and keys alone say nothing that a write could be based on.
    if (request.revision !== undefined || request.keysOnly || request.countOnly)
      return this.#store.range(request, options);
    const single = 'key' in request && request.end === undefined;
    if (single && this.#pending.has(textOf(request.key))) return this.#overlaid(request, EMPTY);
    const response = await this.#store.range(request, options);
    for (const kv of response.kvs) this.#readAs(keyText(kv.key), kv);
    if (single && response.kvs.length === 0) this.#readAs(textOf(request.key), undefined);
    return this.#overlaid(request, response);
  }

  async txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse> {
    const { compares = [], then: operations = [], else: otherwise = [] } = request;
    const held = await Promise.all(compares.map((compare) => this.#holds(compare, options)));
    const succeeded = held.every(Boolean);
    const responses = await Promise.all(
      (succeeded ? operations : otherwise).map(async (operation) => {
        if ('range' in operation) return { range: await this.range(operation.range, options) };
        return this.#write(operation);
      }),
    );
    return { revision: this.#lastPending, succeeded, responses };
  }

  /**
   * Makes the writes that wait, all or none, and returns the revision; undefined when there are none. The run is over.
   *
   * @throws Conflict when anything that was read has changed, naming the first such key; TooManyOperations when the run
   * read or wrote more than a transaction takes; OutcomeUnknown when the answer was lost and can't be found out.
   */
  async commit(options: CallOptions): Promise<Revision | undefined> {
    this.end();
    const writes = this.#operations();
    if (writes.length === 0) return undefined;
    this.#checkSize(writes.length);
    const compares = Array.from(this.#guards, ([key, operand]): Compare => ({
      key,
      target: 'mod',
      operator: '=',
      operand,
    }));
    const otherwise = compares.map((compare): Operation => ({ range: { ...selectorOf(compare), keysOnly: true } }));
    try {
      const response = await this.#store.txn({ compares, then: writes, else: otherwise }, options);
      if (!response.succeeded) throw changed(this.#firstChanged(response));
      return response.revision;
    } catch (error) {
      if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
      return await this.#resolve(writes[0]!, options, error);
    }
  }

  #open(): this {
    if (!this.#over) return this;
    throw new SetpointError('Closed', 'the run that this handle belonged to is over, nothing was sent');
  }

  #checkSize(writes: number): void {
    const size = Math.max(this.#guards.size, writes);
    const limit = this.#operationsMax;
    if (size <= limit) return;
    throw new SetpointError(
      'TooManyOperations',
      `a transactional reconcile read ${this.#guards.size} objects and wrote ${writes}; one transaction takes ` +
        `${limit} of each, and nothing was written. Write less in a run and ask for another ` +
        'one (requeueAfterMs), read single objects instead of lists, or leave transactional off',
      { details: { size, limit } },
    );
  }

  /** Creating and deleting one key in one run comes to nothing. */
  #operations(): Operation[] {
    return Array.from(this.#pending).flatMap(([key, pending]): Operation[] => {
      if ('put' in pending) {
        const { value, lease } = pending.put;
        return [{ put: { key, value, ...(lease === 0n ? {} : { lease }) } }];
      }
      return this.#guards.get(key) === 0n ? [] : [{ delete: { key } }];
    });
  }

  #firstChanged({ responses }: TxnResponse): string {
    const keys = [...this.#guards];
    const at = responses.findIndex(
      (response, index) => 'range' in response && (response.range.kvs[0]?.modRevision ?? 0n) !== keys[index]![1],
    );
    return keys[at]?.[0] ?? 'a key';
  }

  /** All of a transaction was applied or nothing, so one of its keys tells. */
  async #resolve(write: Operation, options: CallOptions, cause: SetpointError): Promise<Revision> {
    const isPut = 'put' in write;
    const key = textOf(isPut ? write.put.key : (write as { delete: { key: string } }).delete.key);
    const base = this.#guards.get(key)!;
    const ours = isPut ? write.put.value : () => false;
    const outcome = await resolveOutcome(this.#store, { key, base, ours }, options);
    if (outcome.state === 'applied') return outcome.revision;
    if (outcome.state === 'not-applied') throw changed(key);
    throw cause;
  }

  #readAs(key: string, kv: KeyValue | undefined): void {
    this.guard(key, kv?.modRevision ?? 0n);
    this.#read.set(key, kv);
  }

  /** The key as the run sees it, read from the store when it hasn't been. */
  async #current(key: string, options: CallOptions | undefined): Promise<KeyValue | undefined> {
    const pending = this.#pending.get(key);
    if (pending) return 'put' in pending ? pending.put : undefined;
    if (!this.#read.has(key)) await this.range({ key }, options);
    return this.#read.get(key);
  }

  async #holds(compare: Compare, options: CallOptions | undefined): Promise<boolean> {
    const { key } = selectorOf(compare);
    const current = await this.#current(textOf(key), options);
    if (compare.operator === '=' && compare.target === 'mod') return (current?.modRevision ?? 0n) === compare.operand;
    if (compare.operator === '=' && compare.target === 'value')
      return current !== undefined && Buffer.compare(current.value, toBytes(compare.operand)) === 0;
    throw new SetpointError('Internal', `a transactional reconcile can't compare the ${compare.target} of a key`);
  }

  #write(operation: Exclude<Operation, { range: unknown }>) {
    const revision = ++this.#lastPending;
    if ('put' in operation) {
      const key = textOf(operation.put.key);
      const before = this.#before(key);
      this.#pending.set(key, { put: pendingKv(key, operation.put, revision, before) });
      return { put: { revision } };
    }
    if (!('delete' in operation)) throw new SetpointError('Internal', 'a transactional reconcile nests no transaction');
    this.#pending.set(textOf(selectorOf(operation.delete).key), { deleted: true });
    return { delete: { revision, deleted: 1n, prevKvs: [] } };
  }

  #before(key: string): KeyValue | undefined {
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.#read.get(key);
    if ('put' in pending) return pending.put;
    throw new SetpointError(
      'Invalid',
      `${key}: one transactional run can't delete an object and create another of its name`,
    );
  }

  /** `response` with the writes that wait, as far as it reaches: a page that is cut ends at its last key. */
  #overlaid(request: RangeRequest, response: RangeResponse): RangeResponse {
    if (this.#pending.size === 0) return response;
    const last = response.more ? keyText(response.kvs.at(-1)!.key) : undefined;
    const kept = response.kvs.filter(({ key }) => !this.#pending.has(keyText(key)));
    const added = [...this.#pending].flatMap(([key, pending]) =>
      'put' in pending && inRange(key, request) && (last === undefined || key <= last) ? [pending.put] : [],
    );
    const kvs = [...kept, ...added].toSorted((one, other) => Buffer.compare(one.key, other.key));
    return { ...response, kvs, count: response.count + BigInt(kvs.length - response.kvs.length) };
  }
}

const EMPTY: RangeResponse = { revision: 0n, kvs: [], more: false, count: 0n };

function pendingKv(key: string, put: PutRequest, revision: Revision, before: KeyValue | undefined): KeyValue {
  const { createRevision = revision, version = 0n } = before ?? {};
  const lease = (put.keepLease ? before?.lease : put.lease) ?? 0n;
  const value = toBytes(put.value);
  return { key: toBytes(key), value, createRevision, modRevision: revision, version: version + 1n, lease };
}

function textOf(key: string | Uint8Array): string {
  return typeof key === 'string' ? key : keyText(key);
}

function selectorOf(selector: object): { readonly key: string | Uint8Array } {
  if ('key' in selector && !('end' in selector)) return { key: selector.key as string | Uint8Array };
  throw new SetpointError('Internal', 'a transactional reconcile compares and deletes single keys');
}

function changed(key: string): SetpointError {
  return new SetpointError(
    'Conflict',
    `${key} has changed since this run read it: nothing of the run was written, and it is made again`,
    { details: { key } },
  );
}
