import { setMaxListeners } from 'node:events';

/** Signals that were told already that many may listen to them. */
const told = new WeakSet<AbortSignal>();

/**
 * A signal that is passed on has as many listeners as there is work under it, and whoever calls this takes all of his
 * back when his work is over: no leak, and no warning of one.
 */
export function letManyListen(signal: AbortSignal): void {
  if (told.has(signal)) return;
  setMaxListeners(0, signal);
  told.add(signal);
}
