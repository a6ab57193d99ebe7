/**
 * The whole life of a manager, in order. A step begins when the one before is over: a start when all of it is ready, a
 * stop when all of it has ended. Those of one step go together.
 *
 * What acts comes last and goes first: the caches outlive the controllers, a lease is given back only after everything
 * that acted under it has stopped, and the health endpoint outlives everything.
 */
export const lifeOrder = [
  { start: ['http'] },
  { start: ['leases'] },
  { start: ['caches'] },
  { start: ['others'] },
  { start: ['warmup'] },
  { start: ['leader-elected'] },
  { stop: ['warmup', 'others'] },
  { stop: ['leader-elected'] },
  { stop: ['leases'] },
  { stop: ['caches'] },
  { stop: ['http'] },
] as const;

type Step = (typeof lifeOrder)[number];

export type GroupName = Extract<Step, { readonly start: unknown }>['start'][number];

/** Groups in the order in which they start. */
export const startOrder: readonly GroupName[] = lifeOrder.flatMap((step) => ('start' in step ? step.start : []));

/** Groups in the order in which they stop; those of one step together. */
export const stopOrder: readonly (readonly GroupName[])[] = lifeOrder.flatMap((step) =>
  'stop' in step ? [step.stop] : [],
);
