/**
 * # Coordination
 *
 * Several processes, never two writers. A session is a lease that this process keeps alive. With it the process stands in
 * lines: who is first owns the lock, the leadership, the shard. What ownership gives is a store whose every write carries
 * the question "is my key still there?", answered by etcd at the same revision as the write.
 *
 * Promised: of all who think that they own something, the writes of at most one are carried out, whatever clocks,
 * pauses and partitions do; the others fail with `LockLost` and change nothing. An owner is told (its signal aborts)
 * before the store can let another one in, by a deadline that counts from when the renewal was sent. Lines are served in
 * the order of arrival; who waits watches only the one before it.
 *
 * Assumed: nobody else writes under the prefix; systems outside the store check the fencing token themselves; a store
 * that was restored from a backup is told so (`raiseIncarnation`).
 *
 * ```ts
 * const session = await openSession({ store, ttlSeconds: 15 });
 * await using held = await lock(session, 'reports', { timeoutMs: 10_000 });
 * await held.store.put({ key: '/reports/today', value: 'mine alone' });
 * ```
 *
 * Next: `session.ts`, then `candidate.ts` for the protocol, `ownership.ts` for what it gives, `lock.ts`
 */
export { Compactor, type CompactorOptions } from './compactor.ts';
export { type CampaignOptions, campaign, Leadership } from './election.ts';
export { type FencingToken, raiseIncarnation } from './fencing-token.ts';
export { LeaderElector, type LeaderElectionOptions, type LeaderElectorOptions } from './leader-elector.ts';
export type { Holder } from './line.ts';
export { HeldLock, lock, type LockOptions, tryLock, type TryLockResult } from './lock.ts';
export { type Leader, observeLeader, type ObserveLeaderOptions } from './observe-leader.ts';
export { Ownership } from './ownership.ts';
export type { Patience } from './patience.ts';
export { Shards, type ShardingOptions, type ShardsOptions } from './shards.ts';
export type { ShardStay } from './shard-slot.ts';
export { openSession, Session, type SessionOptions } from './session.ts';
