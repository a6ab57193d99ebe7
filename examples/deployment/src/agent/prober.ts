import { get } from 'node:http';
import { type Clock, sleep } from 'setpoint';
import type { Process } from '../kinds.ts';

export type Probe = NonNullable<Process['spec']['readinessProbe']>;

/** What a probe has found: `why` it fails, when it does. */
export interface ProbeResult {
  readonly healthy: boolean;
  readonly why: string;
}

export interface ProberOptions {
  readonly probe: Probe;
  readonly port: number;
  readonly clock: Clock;
  /** Called when the verdict changes: at the first success, and after `failureThreshold` failures in a row. */
  readonly onResult: (result: ProbeResult) => void;
}

/** Asks a program how it is, again and again, until `signal` aborts. */
export async function keepProbing({ probe, port, clock, onResult }: ProberOptions, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let healthy: boolean | undefined;
  await sleep(clock, probe.initialDelayMs, signal);
  while (!signal.aborted) {
    const why = await ask(port, probe, clock);
    failures = why === undefined ? 0 : failures + 1;
    const verdict = why === undefined ? true : failures >= probe.failureThreshold ? false : healthy;
    if (verdict !== undefined && verdict !== healthy && !signal.aborted) {
      healthy = verdict;
      onResult({ healthy, why: why ?? '' });
    }
    await sleep(clock, probe.periodMs, signal);
  }
}

/** Why the answer is not a good one; undefined when it is. */
function ask(port: number, { path, timeoutMs }: Probe, clock: Clock): Promise<string | undefined> {
  const failed = ({ code, message }: NodeJS.ErrnoException): string => `GET ${path}: ${code ?? message}`;
  return new Promise<string | undefined>((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      resolve(statusCode < 400 ? undefined : `GET ${path} was answered with ${statusCode}`);
      response.resume(); // what it says is of no interest, and may have no end
    });
    const patience = clock.setTimer(() => {
      request.destroy();
      resolve(`GET ${path} was not answered within ${timeoutMs} ms`);
    }, timeoutMs);
    request.on('error', (error) => resolve(failed(error)));
    request.once('close', () => patience.cancel());
  }).catch(failed); // a path that no request can have is refused at once
}
