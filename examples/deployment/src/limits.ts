import type { Deployment } from './kinds.ts';

/** The limits of a rollout in replicas: the surge rounded up, the unavailable ones down, and never both zero. */
export function limitsOf({ replicas, maxSurge, maxUnavailable }: Deployment['spec']): {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
} {
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  // As in Kubernetes: shares that come to nothing must not stop a rollout for ever.
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function resolve(share: number | string, of: number, round: (value: number) => number): number {
  return typeof share === 'number' ? share : round((of * Number.parseInt(share, 10)) / 100);
}
