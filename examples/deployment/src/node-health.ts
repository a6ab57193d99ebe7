import type { Node } from './kinds.ts';

/** An agent that has given no sign of life for so long is taken for gone. It gives one every 2 s. */
export const NODE_SILENT_MAX_MS = 8_000;

/**
 * How long ago the Node's agent last gave a sign of life; Infinity for one that never did, or has said goodbye. It
 * compares the wall clocks of two machines, which is good enough for seconds.
 */
export function silentForMs(node: Node | undefined, now: number): number {
  const heardAt = Date.parse(node?.status?.heartbeat ?? '');
  return Number.isNaN(heardAt) ? Infinity : now - heardAt;
}
