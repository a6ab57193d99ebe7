import { systemClock } from 'setpoint';

/** One Ctrl-C may reach a program several times: from the terminal and from those who started it. */
const SAME_MS = 500;

/** Aborts at the first SIGINT, SIGTERM or SIGHUP; who asks again after that gets an end at once, with exit code 130. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let askedAt: number | undefined;
  const ask = (): void => {
    askedAt ??= systemClock.now();
    if (systemClock.now() - askedAt > SAME_MS) process.exit(130);
    stop.abort(new Error('interrupted'));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, ask);
  return stop.signal;
}
