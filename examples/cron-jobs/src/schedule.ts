import { Cron } from 'croner';
import { SetpointError } from 'setpoint';

/** The first minute after `after` (both in milliseconds, UTC) that fits a schedule of five fields such as `0 8-18 * * 1-5`. */
export function nextRun(schedule: string, after: number): number {
  let next: Date | null;
  try {
    next = new Cron(schedule, { mode: '5-part', timezone: 'UTC' }).nextRun(new Date(after));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetpointError('Invalid', `schedule "${schedule}": expected five fields of cron: ${reason}`);
  }
  if (next === null) throw new SetpointError('Invalid', `schedule "${schedule}": expected a time that comes`);
  return next.getTime();
}
