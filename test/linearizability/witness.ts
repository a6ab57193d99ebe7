import type { History, Operation, Version } from './history.ts';

/**
 * Judges a history by the order that the store itself gives: each write has a revision, each read says as of which
 * revision it is true. A history is right when this order is a run of the counter and never goes against real time.
 * Linear in the size of the history, but for one sort. Returns what is wrong.
 */
export function witness(history: History): string[] {
  return [...replay(history.versions), ...tokensInOrder(history.versions), ...answers(history), ...realTime(history)];
}

/** Each version is one more than the one before it: otherwise an update was lost. */
function replay(versions: readonly Version[]): string[] {
  return versions.flatMap(({ value, id, revision }, index) => {
    const before = versions[index - 1]?.value ?? 0;
    if (value === before + 1) return [];
    return [`lost update: ${id} wrote ${value} over ${before} at revision ${revision}`];
  });
}

/** Nobody writes any more once a later owner has. */
function tokensInOrder(versions: readonly Version[]): string[] {
  return versions.flatMap(({ token, id, revision }, index) => {
    const before = versions[index - 1]?.token ?? 0;
    if (token >= before) return [];
    return [`a deposed owner wrote: ${id} with token ${token} after ${before}, at revision ${revision}`];
  });
}

/** What clients were told is what the store has. */
function answers({ operations, versions }: History): string[] {
  const byId = new Map(versions.map((version) => [version.id, version]));
  const known = new Set(operations.map(({ id }) => id));
  const wrong = versions.filter(({ id }) => !known.has(id)).map(({ id }) => `nobody made the write ${id}`);
  for (const operation of operations) {
    const version = byId.get(operation.id);
    const { id, kind, outcome } = operation;
    if (kind === 'read') wrong.push(...readIsTrue(operation, versions));
    else if (outcome === 'refused' && version) wrong.push(`${id} was said to be refused, and was written`);
    else if (outcome === 'ok' && version?.revision !== operation.revision)
      wrong.push(`${id} was acknowledged at revision ${operation.revision}, and is at ${version?.revision ?? 'none'}`);
  }
  return wrong;
}

function readIsTrue({ id, value, revision, outcome }: Operation, versions: readonly Version[]): string[] {
  if (outcome !== 'ok') return [];
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (versions[middle]!.revision <= revision!) low = middle + 1;
    else high = middle;
  }
  const was = versions[low - 1]?.value ?? 0;
  return value === was ? [] : [`${id} read ${value} as of revision ${revision}, when it was ${was}`];
}

/** Whatever ended before another began comes first in the order of revisions too. */
function realTime({ operations, versions }: History): string[] {
  const revisionOf = new Map(versions.map(({ id, revision }) => [id, revision]));
  const placed = operations.flatMap((operation) => {
    const revision = operation.kind === 'read' ? operation.revision : revisionOf.get(operation.id);
    return revision === undefined ? [] : [{ ...operation, revision }];
  });
  // At one revision the write comes first: reads as of it have seen it.
  placed.sort((a, b) => a.revision - b.revision || Number(a.kind === 'read') - Number(b.kind === 'read'));
  let [earlier, within] = [NONE, NONE];
  return placed.flatMap(({ id, kind, invokedAt, returnedAt = Infinity, revision }, index) => {
    // Reads as of one revision may come in any order.
    const last = placed[index - 1];
    if (last?.revision !== revision || last.kind !== kind) earlier = within;
    if (invokedAt > within.invokedAt) within = { id, invokedAt };
    if (returnedAt >= earlier.invokedAt) return [];
    return [`${id} had ended before ${earlier.id} began, and comes after it in the store's order`];
  });
}

const NONE = { id: '', invokedAt: -Infinity };
