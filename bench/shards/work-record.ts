import { readFileSync } from 'node:fs';
import type { WorkLine } from './job.ts';

/** One process, and when it could do nothing: frozen from, until; killed from, until for ever. */
export interface Replica {
  readonly identity: string;
  readonly record: string;
  readonly absences: { readonly from: number; to: number }[];
}

/** One reconcile of one key. */
export interface Work {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  /** Undefined where a kill cut it short. */
  readonly wrote: boolean | undefined;
  readonly code?: string;
}

export function workOf({ record, absences }: Replica): Work[] {
  const open = new Map<string, number>();
  const work: Work[] = [];
  let text = '';
  try {
    text = readFileSync(record, 'utf8');
  } catch {
    return work; // it was killed before it began
  }
  for (const line of text.split('\n').filter((each) => each.endsWith('}'))) {
    const { key, at, type, wrote, code } = JSON.parse(line) as WorkLine;
    if (type === 'began') open.set(key, at);
    else {
      work.push({ key, from: open.get(key)!, to: at, wrote, ...(code === undefined ? {} : { code }) });
      open.delete(key);
    }
  }
  // What was never ended was cut short by a kill.
  const killedAt = absences.find(({ to }) => to === Infinity)?.from ?? Infinity;
  for (const [key, from] of open) work.push({ key, from, to: killedAt, wrote: undefined });
  return work;
}

/** The part of a piece of work before its process was frozen: after that it is over before it can write. */
export function present({ from, to }: Work, absences: Replica['absences']): { from: number; to: number } | undefined {
  const cut = absences.find((absence) => absence.from < to && absence.to > from);
  if (!cut) return { from, to };
  return cut.from > from ? { from, to: cut.from } : undefined;
}

export interface Verdict {
  readonly runs: number;
  /** How often one replica worked on a key while another one did, that was not frozen. */
  readonly overlaps: number;
  /** How long a key was without an owner who worked on it, at most. It begins anew when the next owner dies too. */
  readonly longestUnownedMs: number;
  /** The longest times without an owner, and the first overlaps: for whoever looks for the reason. */
  readonly examples: readonly string[];
  /** Pieces of work that went on after a freeze that outlasted the lease, and those of them whose write was refused. */
  readonly late: number;
  readonly lateRefused: number;
  /** Writes that were not carried out, by what their sender was told. */
  readonly refusedBy: Readonly<Record<string, number>>;
}

export interface JudgeOptions {
  readonly steadyFrom: number;
  readonly endedAt: number;
  readonly ttlMs: number;
  /** Whose the key's slot was at a moment. */
  readonly ownerAt: (key: string, at: number) => string | undefined;
  /** Whether it was somebody's at any moment of a time. */
  readonly ownedBetween: (key: string, identity: string, from: number, to: number) => boolean;
}

export function judge(replicas: readonly Replica[], options: JudgeOptions): Verdict {
  const byKey = new Map<string, { from: number; to: number; by: string }[]>();
  const refusedBy: Record<string, number> = {};
  let [runs, late, lateRefused] = [0, 0, 0];
  for (const replica of replicas) {
    for (const each of workOf(replica)) {
      runs++;
      if (each.wrote === false) refusedBy[each.code!] = (refusedBy[each.code!] ?? 0) + 1;
      if (replica.absences.some((absence) => outlasted(each, absence, options.ttlMs))) {
        late++;
        if (each.wrote === false) lateRefused++;
      }
      const spans = byKey.get(each.key) ?? [];
      byKey.set(each.key, spans);
      const span = present(each, replica.absences);
      if (span) spans.push({ ...span, by: replica.identity });
    }
  }
  let [overlaps, longestUnownedMs] = [0, 0];
  const examples: string[] = [];
  for (const [key, spans] of byKey) {
    spans.sort((a, b) => a.from - b.from);
    const unowned = (from: number, to: number): void => {
      const since = lastDeath(replicas, key, { from: Math.max(from, options.steadyFrom), to }, options);
      if (to - since > Math.max(longestUnownedMs, options.ttlMs)) {
        const owners = [since + 1, (since + to) / 2, to - 1].map((at) => options.ownerAt(key, at) ?? 'nobody');
        examples.push(`${key} from ${since.toFixed(0)} to ${to.toFixed(0)}, owned by ${owners.join(', ')}`);
      }
      longestUnownedMs = Math.max(longestUnownedMs, to - since);
    };
    let latest = { from: 0, to: options.steadyFrom, by: '' };
    for (const span of spans) {
      if (span.from < latest.to && span.by !== latest.by && latest.by !== '') {
        overlaps++;
        const times = [latest.from, latest.to, span.from, span.to].map((at) => at.toFixed(0));
        examples.push(`${key} by ${latest.by} and ${span.by}: ${times.join(' ')}`);
      }
      if (span.from > options.steadyFrom) unowned(latest.to, span.from);
      if (span.to > latest.to) latest = span;
    }
    unowned(latest.to, options.endedAt);
  }
  return { runs, overlaps, longestUnownedMs, examples: examples.slice(-20), late, lateRefused, refusedBy };
}

function outlasted(work: Work, absence: Replica['absences'][number], ttlMs: number): boolean {
  return work.from < absence.from && work.to > absence.to && absence.to - absence.from > ttlMs;
}

/**
 * When an owner of the key's slot was last killed or frozen within a time, or when that began. One that was dead before it
 * came to be first in line counts as well: the others wait for the end of its lease too.
 */
function lastDeath(
  replicas: readonly Replica[],
  key: string,
  { from, to }: { readonly from: number; readonly to: number },
  { ownedBetween }: JudgeOptions,
): number {
  return replicas.reduce((latest, { identity, absences }) => {
    const deaths = absences.filter((absence) => absence.from > latest && absence.from < to);
    const felt = deaths.filter(({ from: at, to: back }) => ownedBetween(key, identity, at, Math.min(back, to)));
    return Math.max(latest, ...felt.map((absence) => absence.from));
  }, from);
}
