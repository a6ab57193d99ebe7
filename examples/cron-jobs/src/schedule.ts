import { SetpointError } from 'setpoint';

/** Minute, hour, day of the month, month, day of the week (0 is Sunday). */
const FIELDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

const MINUTE_MS = 60_000;
/** A schedule such as `0 0 30 2 *` never comes. */
const SEARCH_MAX_MINUTES = 60 * 24 * 366 * 5;

/** The first minute after `after` (both in milliseconds, UTC) that fits a schedule such as `*\/5 8-18 * * 1-5`. */
export function nextRun(schedule: string, after: number): number {
  const parts = schedule.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw bad(schedule, `five fields, got ${parts.length}`);
  const [minutes, hours, days, months, weekdays] = parts.map((part, i) => allowed(part, FIELDS[i]!, schedule));
  for (let at = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS, i = 0; i < SEARCH_MAX_MINUTES; i++, at += MINUTE_MS) {
    const date = new Date(at);
    // As cron has it: when both days are limited, one of the two is enough.
    const either = parts[2] !== '*' && parts[4] !== '*';
    const day = days!.has(date.getUTCDate());
    const weekday = weekdays!.has(date.getUTCDay());
    const fits = either ? day || weekday : day && weekday;
    if (
      fits &&
      minutes!.has(date.getUTCMinutes()) &&
      hours!.has(date.getUTCHours()) &&
      months!.has(date.getUTCMonth() + 1)
    ) {
      return at;
    }
  }
  throw bad(schedule, 'a time that comes within five years');
}

/** `*`, `5`, `1-5`, `*\/15`, `0-30/10`, and lists of them. */
function allowed(part: string, [low, high]: readonly [number, number], schedule: string): Set<number> {
  const values = new Set<number>();
  for (const term of part.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(term);
    const from = Number(match?.[1] ?? low);
    const to = Number(match?.[2] ?? (match?.[1] === undefined || match[3] !== undefined ? high : from));
    const step = Number(match?.[3] ?? 1);
    if (!match || from < low || to > high || from > to || step < 1)
      throw bad(schedule, `"${term}" within ${low}-${high}`);
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

function bad(schedule: string, expected: string): SetpointError {
  return new SetpointError('Invalid', `schedule "${schedule}": expected ${expected}`);
}
