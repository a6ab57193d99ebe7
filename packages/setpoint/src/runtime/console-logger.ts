import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { describeError } from '../internal/describe-error.ts';
import { type Logger, silentLogger } from '../internal/logger.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface ConsoleLoggerOptions {
  /** What is less severe isn't written. Default `info`. */
  readonly level?: LogLevel;
  /** Default: standard error, so that a program's own output stays its own. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly clock?: Clock;
}

interface Output {
  readonly least: number;
  readonly write: (level: LogLevel, fields: object, message: string) => void;
}

/**
 * Writes a line for each message: for people on a terminal, JSON with `level`, `time`, `msg` and the fields anywhere
 * else. For production a pino logger does the same faster. Throws `Invalid` for a level that doesn't exist.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const { level = 'info', stream = process.stderr, clock = systemClock } = options;
  const least = LEVELS.indexOf(level);
  if (least < 0) {
    throw new SetpointError('Invalid', `a logger's level must be one of ${LEVELS.join(', ')}; got ${String(level)}`);
  }
  const line = stream.isTTY === true ? lineForPeople : lineForMachines;
  const write: Output['write'] = (severity, fields, message) => {
    const time = new Date(clock.wallNow()).toISOString();
    stream.write(`${line(severity, time, message, Object.entries(fields).map(readable))}\n`);
  };
  return loggerOn({ least, write }, {});
}

/** What a manager logs with when it is given nothing: warnings and errors, and nothing at all in a test run. */
export function defaultLogger(): Logger {
  const { NODE_ENV, VITEST } = process.env;
  return NODE_ENV === 'test' || VITEST !== undefined ? silentLogger : consoleLogger({ level: 'warn' });
}

function loggerOn(output: Output, common: object): Logger {
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (LEVELS.indexOf(level) >= output.least) output.write(level, { ...common, ...fields }, message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerOn(output, { ...common, ...fields }),
  };
}

/** Errors have no enumerable fields, and bigints no JSON, at whatever depth. What has none at all is named, not thrown. */
function readable([name, value]: [string, unknown]): [string, unknown] {
  if (typeof value === 'string' || typeof value === 'number') return [name, value];
  const plain = (_name: string, each: unknown): unknown => {
    if (each instanceof Error) return describeError(each);
    return typeof each === 'bigint' ? String(each) : each;
  };
  try {
    const json: string | undefined = JSON.stringify(value, plain);
    return [name, json === undefined ? undefined : (JSON.parse(json) as unknown)];
  } catch {
    return [name, `[${typeof value} that has no JSON]`];
  }
}

type Fields = readonly [string, unknown][];

function lineForMachines(level: LogLevel, time: string, msg: string, fields: Fields): string {
  return JSON.stringify({ level, time, msg, ...Object.fromEntries(fields) });
}

function lineForPeople(level: LogLevel, time: string, message: string, fields: Fields): string {
  const shown = fields.map(([name, value]) => `${name}=${textOf(value)}`);
  return [time.slice(11, 23), level.toUpperCase().padEnd(5), message, ...shown].join(' ');
}

/** An error is shown by its message; its stack is for machines. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  if (typeof value === 'object' && value !== null && 'message' in value) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? 'undefined';
}
