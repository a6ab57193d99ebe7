import type { EventInput } from 'setpoint/events';
import type { Process } from '../kinds.ts';
import type { Observation } from './program.ts';

/**
 * What there is to tell of a program, kubelet's words: the difference between what was last written of it and what is
 * seen now. What came and went between two looks is not told.
 */
export function whatHappened({ spec, status }: Process, seen: Observation): EventInput[] {
  const events: EventInput[] = [];
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    void events.push({ type, reason, message });
  const program = spec.command.join(' ');
  const { failure, phase, pid, unready } = seen;

  if (phase === 'BackOff' && status?.phase !== 'BackOff' && failure) {
    if (failure.reason === 'Unhealthy') tell('Warning', 'Unhealthy', failure.message);
    tell('Warning', 'BackOff', `Back-off restarting failed program ${program}: ${failure.message}`);
  }
  if ((phase === 'Failed' || phase === 'Completed') && status?.phase !== phase) {
    if (phase === 'Failed') tell('Warning', 'Failed', failure?.message ?? 'it failed');
    else tell('Normal', 'Completed', `Program ${program} has ended`);
  }
  const runs = phase === 'Starting' || phase === 'Running';
  if (runs && pid !== undefined && pid !== status?.pid)
    tell('Normal', 'Started', `Started program ${program}, pid ${pid}`);

  const before = status?.conditions?.find(({ type }) => type === 'Ready')?.message;
  if (unready?.startsWith(PROBE_FAILED) && unready !== before) tell('Warning', 'Unhealthy', unready);
  return events;
}

/** How the reason begins that a probe gives; before its first answer it has not failed. */
const PROBE_FAILED = 'its readiness probe failed';
