import type { Deployment, ReplicaSet } from './kinds.ts';

/** On a ReplicaSet: which revision of its Deployment it is. */
export const REVISION = 'example.setpoint.dev/revision';
/** On a Deployment, and then on its ReplicaSet: why the change was made, in a person's words. */
export const CHANGE_CAUSE = 'example.setpoint.dev/change-cause';

export function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[REVISION] ?? 0);
}

/** Oldest first. */
export function byRevision(a: ReplicaSet, b: ReplicaSet): number {
  return revisionOf(a) - revisionOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** The number of the wanted version: it keeps its own while it is the newest, and gets the next one otherwise. */
export function nextRevision(current: ReplicaSet | undefined, old: readonly ReplicaSet[]): number {
  const newest = Math.max(0, ...old.map(revisionOf));
  const own = current ? revisionOf(current) : 0;
  return own > newest ? own : newest + 1;
}

export function revisionAnnotations({ metadata }: Deployment, revision: number): Record<string, string> {
  const cause = metadata.annotations?.[CHANGE_CAUSE];
  return { [REVISION]: String(revision), ...(cause !== undefined && { [CHANGE_CAUSE]: cause }) };
}
