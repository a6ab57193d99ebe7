import type { ProgressRequests } from './progress-requests.ts';

/** A store revision: exact, and never silently a `number` (they pass 2⁵³). */
export type Revision = bigint;

/** Keys and values are bytes. A string stands for its UTF-8 encoding. */
export type BytesLike = string | Uint8Array;

/**
 * Which keys a call is about: one key; the half-open range [key, end); every key that starts with a prefix; every key
 * from one on. An empty prefix means the whole store and has to be asked for as `{ fromKey: '\0' }`.
 */
export type KeySelector =
  | { readonly key: BytesLike; readonly end?: BytesLike }
  | { readonly prefix: BytesLike }
  | { readonly fromKey: BytesLike };

/** One key as it stands at some revision. */
export interface KeyValue {
  readonly key: Uint8Array;
  /** Empty for keys-only reads and for delete events. */
  readonly value: Uint8Array;
  /** The revision that created this incarnation of the key. */
  readonly createRevision: Revision;
  /** The revision of its last change. */
  readonly modRevision: Revision;
  /** 1 at creation, plus one for each put since. */
  readonly version: bigint;
  /** The attached lease, 0 for none. */
  readonly lease: bigint;
}

export interface CallOptions {
  /** Gives the call up. A write that was already sent ends as `OutcomeUnknown`. */
  readonly signal?: AbortSignal;
  /** How long to wait for the answer. Default: the store's own (5 s for etcd). */
  readonly timeoutMs?: number;
  /**
   * A write that never shares a transaction, and so a revision, with other writes: for the keys of locks, lease
   * ownership and elections, whose order is told from their create revisions. Default false.
   */
  readonly alone?: boolean;
}

export type SortTarget = 'key' | 'create' | 'mod' | 'version' | 'value';

export type RangeRequest = KeySelector & {
  /** At most so many keys; 0 or absent means all. */
  readonly limit?: number;
  /** Default: by key, ascending. Keys that are equal in what they are sorted by come in any order. */
  readonly sort?: { readonly by: SortTarget; readonly order: 'ascend' | 'descend' };
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  /** Reads the store as it was then. Fails with `Compacted` or `FutureRevision` where that isn't possible. */
  readonly revision?: Revision;
  readonly minModRevision?: Revision;
  readonly maxModRevision?: Revision;
  readonly minCreateRevision?: Revision;
  readonly maxCreateRevision?: Revision;
  /** Answers from the member at hand, possibly stale. Default false: linearizable. */
  readonly serializable?: boolean;
};

export interface RangeResponse {
  /** The store's revision when it answered, also for a read of an older one. */
  readonly revision: Revision;
  readonly kvs: readonly KeyValue[];
  /** Whether `limit` cut the answer. */
  readonly more: boolean;
  /** How many keys are in the range, whatever the limit and the revision bounds. */
  readonly count: bigint;
}

export interface PutRequest {
  readonly key: BytesLike;
  readonly value: BytesLike;
  /** Attaches the key to a lease; 0 or absent detaches it, unless `keepLease` is given. */
  readonly lease?: bigint;
  /**
   * Leaves the key on the lease that it has, or on none. Not beside `lease`. Fails with `NotFound` when the key isn't
   * there; in a transaction that fails all of it, so compare for the key first.
   */
  readonly keepLease?: boolean;
  readonly prevKv?: boolean;
}

export interface PutResponse {
  readonly revision: Revision;
  readonly prevKv?: KeyValue;
}

export type DeleteRequest = KeySelector & { readonly prevKv?: boolean };

export interface DeleteResponse {
  readonly revision: Revision;
  readonly deleted: bigint;
  /** In key order; empty unless asked for. */
  readonly prevKvs: readonly KeyValue[];
}

/** One condition of a transaction; with a selector of many keys it must hold for each of them (none is enough). */
export type Compare = KeySelector & { readonly operator: '=' | '!=' | '>' | '<' } & (
    | { readonly target: 'version' | 'create' | 'mod' | 'lease'; readonly operand: bigint }
    | { readonly target: 'value'; readonly operand: BytesLike }
  );

export type Operation =
  | { readonly range: RangeRequest }
  | { readonly put: PutRequest }
  | { readonly delete: DeleteRequest }
  | { readonly txn: TxnRequest };

export type OperationResponse =
  | { readonly range: RangeResponse }
  | { readonly put: PutResponse }
  | { readonly delete: DeleteResponse }
  | { readonly txn: TxnResponse };

export interface TxnRequest {
  /** All must hold for `then`; otherwise `else` runs. An absent list is empty. */
  readonly compares?: readonly Compare[];
  readonly then?: readonly Operation[];
  readonly else?: readonly Operation[];
}

export interface TxnResponse {
  readonly revision: Revision;
  readonly succeeded: boolean;
  /** One for each operation of the branch that ran, in its order and of its kind. */
  readonly responses: readonly OperationResponse[];
}

/** The keys to watch; a range that ends at or before its key is refused (`Invalid`), since nothing could come of it. */
export type WatchRequest = KeySelector & {
  /** The first revision to deliver. Absent: what happens from now on. */
  readonly startRevision?: Revision;
  /** Leaves a kind of event out. */
  readonly exclude?: 'put' | 'delete';
  /** Adds the value that each event replaced, where the store still has it. */
  readonly prevKv?: boolean;
};

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** For a delete: the key, `modRevision` of the deletion, everything else zero or empty. */
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}

/**
 * One delivery of a watch. Everything of the watched keys up to `revision` has now been delivered, each event once,
 * in revision order, and a revision is never split over two batches. A batch without events is a progress mark.
 */
export interface WatchBatch {
  readonly revision: Revision;
  readonly events: readonly WatchEvent[];
}

export interface WatchOptions {
  /** Ends the watch: the iteration completes without an error. */
  readonly signal?: AbortSignal;
  /**
   * Told when the stream to the store breaks (with the error) and when it stands again (without one). The watch goes
   * on by itself after a break; this is for showing how fresh a cache is.
   */
  readonly onConnection?: (error?: unknown) => void;
  /**
   * Ends the watch with `FarBehind` when it starts, or goes on after a break, more than so many revisions behind the
   * store: listing again is faster then (etcd catches a watch up by about 10,000 revisions a second). Default: it
   * catches up however long that takes.
   */
  readonly behindMax?: number;
  /** Through which the consumer can ask for progress marks. */
  readonly progress?: ProgressRequests;
}

export interface LeaseGrantResponse {
  readonly id: bigint;
  /** What the store granted: it raises a TTL below its minimum. Use this one. */
  readonly ttlSeconds: number;
}

export interface LeaseTimeToLiveResponse {
  readonly id: bigint;
  /** Seconds left. */
  readonly ttlSeconds: number;
  readonly grantedTtlSeconds: number;
  /** The attached keys, when asked for. */
  readonly keys: readonly Uint8Array[];
}

export interface StoreStatus {
  readonly endpoint: string;
  readonly version: string;
  readonly clusterId: string;
  readonly memberId: string;
  readonly revision: Revision;
  readonly dbSizeBytes: number;
  /** The leader's member id, '0' for none. */
  readonly leaderId: string;
  readonly raftTerm: bigint;
  readonly isLearner: boolean;
  /** What the member complains of, such as an alarm that is raised. */
  readonly errors: readonly string[];
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface Alarm {
  readonly memberId: string;
  readonly alarm: 'NOSPACE' | 'CORRUPT';
}

/**
 * The database as setpoint sees it, in etcd's own words. Two implementations, {@link memoryStore} and `etcdStore`,
 * pass one conformance suite. Every failure is a `SetpointError`.
 *
 * A write that failed with any code but `OutcomeUnknown` was not applied. A store never repeats a write by itself.
 */
export interface Store {
  range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse>;
  put(request: PutRequest, options?: CallOptions): Promise<PutResponse>;
  delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResponse>;
  txn(request: TxnRequest, options?: CallOptions): Promise<TxnResponse>;

  /**
   * Delivers changes until `signal` aborts, the store closes (`Closed`) or the watch can't go on: `Compacted` (with
   * the compaction revision: list again), `FarBehind` (when `behindMax` was given), `HistoryReset`,
   * `PermissionDenied`. Lost connections are mended within, without a gap and without a repetition. The first batch
   * of a watch without a start revision is a progress mark that says from where on it sees everything. Batches wait
   * for the consumer; a slow one slows the stream down. The watch begins when its iteration does, and anew with each
   * iteration. A request that makes no sense is refused (`Invalid`) by the call itself, before there is anything to
   * iterate.
   */
  watch(request: WatchRequest, options?: WatchOptions): AsyncIterable<WatchBatch>;

  /** Forgets history up to and including `revision`; what is current stays. */
  compact(revision: Revision, options?: CallOptions): Promise<void>;

  leaseGrant(
    request: { readonly ttlSeconds: number; readonly id?: bigint },
    options?: CallOptions,
  ): Promise<LeaseGrantResponse>;
  /** Renews once and says the TTL from now on. Fails with `LeaseNotFound` when it is gone. */
  leaseKeepAlive(id: bigint, options?: CallOptions): Promise<{ readonly ttlSeconds: number }>;
  /** Ends the lease and deletes its keys. */
  leaseRevoke(id: bigint, options?: CallOptions): Promise<void>;
  leaseTimeToLive(id: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseTimeToLiveResponse>;
  leases(options?: CallOptions): Promise<readonly bigint[]>;

  /** One entry for each endpoint that answered; fails with `Unavailable` when none did. */
  status(options?: CallOptions): Promise<readonly StoreStatus[]>;
  members(options?: CallOptions): Promise<readonly Member[]>;
  alarms(options?: CallOptions): Promise<readonly Alarm[]>;
  disarm(alarm: Alarm, options?: CallOptions): Promise<void>;

  /** Ends every watch and call with `Closed`. Closing twice does nothing. */
  close(): Promise<void>;
}
