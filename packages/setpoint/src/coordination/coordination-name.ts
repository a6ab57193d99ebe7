import { SetpointError } from '../errors/index.ts';

/** What every key of locks, elections and shards starts with, unless told otherwise. */
export const DEFAULT_COORDINATION_PREFIX = '/setpoint';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const NAME_MAX = 200;
const PREFIX = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;

/** Refuses with `Invalid` what can't be one segment of a key: then no name can reach into the keys of another. */
export function checkCoordinationName(what: string, name: unknown): string {
  if (typeof name === 'string' && name.length <= NAME_MAX && NAME.test(name)) return name;
  const got = typeof name === 'string' ? JSON.stringify(name.slice(0, NAME_MAX)) : String(name);
  throw new SetpointError(
    'Invalid',
    `${what}: a name must be letters, digits, '.', '_' and '-', not start with '.' or '-', and have at most ` +
      `${NAME_MAX} characters; got ${got}`,
  );
}

/** Refuses with `Invalid` what is not a path such as `/setpoint`. */
export function checkCoordinationPrefix(what: string, prefix: unknown): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix;
  throw new SetpointError(
    'Invalid',
    `${what}: a prefix must look like '/setpoint', without a '/' at its end; got ${JSON.stringify(prefix)}`,
  );
}
