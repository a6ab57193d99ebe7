/** What the plan has to know of one ReplicaSet. */
export interface ReplicaCounts {
  readonly name: string;
  /** How many it was last told to keep. */
  readonly replicas: number;
  /** How many of them answer. */
  readonly ready: number;
  /** How many there still are, where that is more than it was told to keep. */
  readonly existing?: number;
}

export interface RolloutState {
  /** How many replicas the Deployment wants. */
  readonly replicas: number;
  /** How many more than wanted may exist meanwhile. */
  readonly maxSurge: number;
  /** How many fewer than wanted may answer meanwhile. */
  readonly maxUnavailable: number;
  /** The ReplicaSet of the wanted template. */
  readonly current: ReplicaCounts;
  /** The ReplicaSets of earlier templates, oldest first. */
  readonly old: readonly ReplicaCounts[];
}

/**
 * One step of a rolling update: how many replicas each ReplicaSet is to have next, by name.
 *
 * It promises, whatever the counts it is given: the sum never passes `replicas + maxSurge` by growing; and old replicas
 * that answer are given up only while more than `replicas - maxUnavailable` do. Called again with what came of it, it
 * ends with `replicas` of the current one and none of the old.
 */
export function planRollout(state: RolloutState): ReadonlyMap<string, number> {
  const plan = new Map(state.old.map((set) => [set.name, set.replicas]));
  plan.set(state.current.name, growCurrent(state));
  shrinkOld(state, plan);
  return plan;
}

/** The current set takes all the room that the surge leaves; above the wanted count it shrinks at once. */
function growCurrent({ replicas, maxSurge, current, old }: RolloutState): number {
  if (current.replicas >= replicas) return replicas;
  const room = replicas + maxSurge - total([current, ...old].map(standing));
  return current.replicas + clamp(room, 0, replicas - current.replicas);
}

/**
 * Replicas that don't answer go first: nobody misses them, and a broken version must not stand in the way of the one
 * that mends it. Then those that do, as far as the ones that answer elsewhere allow.
 */
function shrinkOld(state: RolloutState, plan: Map<string, number>): void {
  const needed = state.replicas - state.maxUnavailable;
  const spareReady = total([state.current, ...state.old].map(answering)) - needed;
  let budget = Math.max(spareReady, 0);
  for (const set of state.old) {
    const idle = set.replicas - answering(set).replicas;
    const taken = clamp(budget, 0, set.replicas - idle);
    plan.set(set.name, set.replicas - idle - taken);
    budget -= taken;
  }
}

/** Counts a set by the replicas that surely stay: `ready` may still count some that it was already told to give up. */
function answering(set: ReplicaCounts): ReplicaCounts {
  return { ...set, replicas: Math.min(set.ready, set.replicas) };
}

/** Counts a set by all that there are or will be: what it was told to give up may be there for a while yet. */
function standing(set: ReplicaCounts): ReplicaCounts {
  return { ...set, replicas: Math.max(set.replicas, set.existing ?? 0) };
}

function total(sets: readonly ReplicaCounts[]): number {
  return sets.reduce((sum, set) => sum + set.replicas, 0);
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
