import { SetpointError } from '../errors/index.ts';

/** The fields of a cron expression, in their order, with their bounds. */
const FIELDS = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of the month', 1, 31],
  ['month', 1, 12],
  ['day of the week', 0, 7],
] as const;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Leap days on a given weekday are the rarest: every 28 years, and 40 around 2100. */
const YEARS_MAX = 41;

/**
 * Parses a five-field cron expression into a function from a wall time to the next one that matches, both in
 * milliseconds since 1970, in UTC, always at least a minute's start later. As in cron, when both days are restricted
 * either may match.
 *
 * @throws Invalid with the field that can't be, also for an expression that never matches, such as the 30th of February.
 */
export function parseCron(expression: string): (after: number) => number {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw invalid(expression, `it has ${parts.length} fields, and five are needed`);
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) =>
    parseField(expression, parts[index]!, field),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekdays.has(7)) weekdays.add(0);
  const eitherDay = !parts[2]!.startsWith('*') && !parts[4]!.startsWith('*');
  const isDay = (date: Date): boolean => {
    const [day, weekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
    return months.has(date.getUTCMonth() + 1) && (eitherDay ? day || weekday : day && weekday);
  };
  const next = (after: number): number => {
    const first = Math.floor(after / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
    const end = first + YEARS_MAX * 366 * DAY_MS;
    for (let at = first; at < end;) {
      const date = new Date(at);
      if (!isDay(date)) at = Math.floor(at / DAY_MS) * DAY_MS + DAY_MS;
      else if (hours.has(date.getUTCHours()) && minutes.has(date.getUTCMinutes())) return at;
      else at += MINUTE_MS;
    }
    throw invalid(expression, 'no day matches it');
  };
  next(0);
  return next;
}

function parseField(expression: string, text: string, [name, min, max]: (typeof FIELDS)[number]): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) throw invalid(expression, `the ${name} '${part}' is none of *, 5, 1-5, */5 and 1-30/5`);
    const [, from, to, step] = match.map((each) => (each === undefined ? undefined : Number(each)));
    const start = from ?? min;
    const end = to ?? (from === undefined || step !== undefined ? max : from);
    if (start < min || end > max || start > end || step === 0) {
      throw invalid(expression, `the ${name} '${part}' is not within ${min} to ${max}`);
    }
    for (let value = start; value <= end; value += step ?? 1) values.add(value);
  }
  return values;
}

function invalid(expression: string, why: string): SetpointError {
  return new SetpointError('Invalid', `'${expression}' is no cron expression: ${why}`);
}
