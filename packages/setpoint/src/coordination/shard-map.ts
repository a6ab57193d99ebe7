/** One replica, as the others see it. */
export interface ShardMember {
  /** Its key in the store, unlike any other. */
  readonly key: string;
  /** Its name, which may outlive it: a replica that comes back under its old name gets about the same slots. */
  readonly identity: string;
}

/**
 * Which member each slot belongs to, by rendezvous hashing: a slot goes to the member that it scores highest. No member
 * gets more than its share, rounded up; a slot whose first choice is full goes to the next. Who knows the same members
 * comes to the same result, in whatever order it learned of them. Undefined everywhere when there is no member.
 */
export function assignSlots(slots: number, members: readonly ShardMember[]): readonly (ShardMember | undefined)[] {
  const share = Math.ceil(slots / Math.max(1, members.length));
  const taken = new Map<string, number>();
  return Array.from({ length: slots }, (_, slot) => {
    const [chosen] = byScore(
      slot,
      members.filter(({ key }) => (taken.get(key) ?? 0) < share),
    );
    if (chosen) taken.set(chosen.key, (taken.get(chosen.key) ?? 0) + 1);
    return chosen;
  });
}

/** Whose turn it is, counted from 1, when a slot's owner does not come: the others in the order of their scores. */
export function standInRank(slot: number, members: readonly ShardMember[], of: { owner: string; key: string }): number {
  const others = byScore(slot, members).filter(({ key }) => key !== of.owner);
  return 1 + others.findIndex(({ key }) => key === of.key);
}

function byScore(slot: number, members: readonly ShardMember[]): readonly ShardMember[] {
  return members
    .map((member) => ({ member, score: hashText(`${member.identity}/${slot}`) }))
    .sort((a, b) => b.score - a.score || (a.member.key < b.member.key ? -1 : 1))
    .map(({ member }) => member);
}

/** The slot of a key. The same in every replica and every release: what is stored says which function it is. */
export function slotOfKey(key: string, slots: number): number {
  return hashText(key) % slots;
}

/** Names the functions above in the store, so that replicas which disagree refuse to work together. */
export const SHARD_HASH = 'fnv1a-mix-1';

/** FNV-1a over UTF-16 code units, then MurmurHash3's last mix, without which similar texts score alike. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
