import { parse } from './server-version.ts';

/** Something that older servers do wrong: for each minor version that was mended, the patch from which on it is right. */
interface Defect {
  readonly what: string;
  readonly fixedIn: Readonly<Record<string, number>>;
  /** Whether it only matters where users and roles are in use. */
  readonly ofUsers?: boolean;
}

/** Answers to requests for progress come ahead of events (etcd#15220) or not at all (etcd#17566). Never warned of: not asked. */
const PROGRESS_ON_REQUEST = { '3.4': 31, '3.5': 13 };

/** What this driver can't make up for, or not in every case. */
const DEFECTS: readonly Defect[] = [
  { what: 'a compaction can lose watch events', fixedIn: { '3.4': 36, '3.5': 18 } },
  { what: 'leases that are kept alive can be revoked when the leader changes', fixedIn: { '3.4': 31, '3.5': 13 } },
  { what: 'renewing a lease that was revoked can seem to succeed', fixedIn: { '3.4': 38, '3.5': 23 } },
  {
    what: 'users can read and write what their roles do not allow (CVE-2026-33343, CVE-2026-44283, GHSA-xg4h-6gfc-h4m8)',
    fixedIn: { '3.5': 33, '3.6': 14, '3.7': 1 },
    ofUsers: true,
  },
];

/** Whether a watch on such a server may be asked how far it is, and the answer believed. */
export function answersProgressRequests(version: string): boolean {
  return isFixed(version, PROGRESS_ON_REQUEST);
}

/** What is known to be wrong with a server of this version, for somebody who operates it. */
export function defectsOf(version: string, withUsers: boolean): readonly string[] {
  return DEFECTS.filter(({ fixedIn, ofUsers }) => (withUsers || !ofUsers) && !isFixed(version, fixedIn)).map(
    ({ what }) => what,
  );
}

/** A minor version that is not listed was made before the first that is, or after the defect was mended for all. */
function isFixed(version: string, fixedIn: Readonly<Record<string, number>>): boolean {
  const [major, minor, patch] = parse(version);
  const fix = fixedIn[`${major}.${minor}`];
  if (fix !== undefined) return patch >= fix;
  const [newestMajor, newestMinor] = parse(Object.keys(fixedIn).at(-1)!);
  return major > newestMajor || (major === newestMajor && minor > newestMinor);
}
