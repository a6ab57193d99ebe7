import type { Logger } from '../internal/logger.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Calls `listener` at the first SIGTERM or SIGINT. The second exits the process with code 1, for whoever doesn't want
 * to wait for a graceful stop. Returns what gives both signals back to the process.
 */
export function onTerminationSignal(logger: Logger, listener: () => void): () => void {
  let received = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (++received > 1) process.exit(1);
    logger.info({ signal }, 'stopping; the same signal again exits at once');
    listener();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
  };
}
