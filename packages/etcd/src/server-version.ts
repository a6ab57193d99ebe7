/** What a server's version says of it. Versions are etcd's own text, such as `3.5.16` or `3.6.0-rc.1`. */

/** The oldest that this driver works with: learners, fragmented watches and progress marks came with it. */
const OLDEST = [3, 4] as const;

export function isSupported(version: string): boolean {
  const [major, minor] = parse(version);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/**
 * Whether a watch from exactly the revision up to which history is compacted gets a deletion of that revision. Before
 * etcd 3.4.36 and 3.5.18 it may be left out without a word (etcd#18089, etcd#19179).
 */
export function keepsDeletionAtCompaction(version: string): boolean {
  const [major, minor, patch] = parse(version);
  if (major !== 3 || minor > 5) return true;
  return minor === 5 ? patch >= 18 : patch >= 36;
}

export function parse(version: string): readonly [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}
