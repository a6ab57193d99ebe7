import { MessageChannel } from 'node:worker_threads';

/**
 * Keeps the process alive until the returned function is called. Timers of the clock don't, by design, and a control
 * plane on an in-memory store has nothing else that would.
 */
export function holdProcess(): () => void {
  const { port1 } = new MessageChannel();
  port1.ref();
  return () => port1.close();
}
