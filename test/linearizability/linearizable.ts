import type { Operation } from './history.ts';

/**
 * Whether operations on one counter can be put into one order that keeps real time and in which each answer is what the
 * counter would have given: the search of Wing and Gong, with Lowe's memory of what was tried. It knows nothing of
 * revisions, and so judges the store's order independently; its time may grow exponentially, so histories must be small.
 *
 * An increment whose outcome is unknown may take place at any time after it began, or never; one of which is known that it
 * was written takes place some time, one of which is known that it wasn't, and a refused one, never do.
 */
export function isLinearizable(operations: readonly Operation[]): boolean {
  const pending = operations.filter(
    ({ kind, outcome, written }) =>
      outcome === 'ok' || (kind === 'increment' && outcome === 'unknown' && written !== false),
  );
  const required = pending.reduce(
    (mask, { outcome, written }, index) => (outcome === 'ok' || written ? mask | bit(index) : mask),
    0n,
  );
  const ends = pending.map(({ outcome, returnedAt = Infinity }) => (outcome === 'ok' ? returnedAt : Infinity));
  const tried = new Set<bigint>();

  // The counter's state follows from which increments were done, so that what is done says everything.
  const search = (done: bigint, count: number): boolean => {
    if ((done & required) === required) return true;
    if (tried.has(done)) return false;
    tried.add(done);
    const open = pending.flatMap((_, index) => ((done & bit(index)) === 0n ? [index] : []));
    const firstEnd = Math.min(...open.map((index) => ends[index]!));
    return open.some((index) => {
      const { kind, value, invokedAt } = pending[index]!;
      if (invokedAt > firstEnd) return false;
      const next = kind === 'increment' ? count + 1 : count;
      return value === next && search(done | bit(index), next);
    });
  };
  return search(0n, 0);
}

const bit = (index: number): bigint => 1n << BigInt(index);
