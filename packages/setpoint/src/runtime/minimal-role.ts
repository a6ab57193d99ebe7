import { SetpointError } from '../errors/index.ts';
import { Event } from '../events/index.ts';
import { type AnyResourceDefinition, checkOptionNames, DEFAULT_PREFIX, keyPrefix } from '../resource/index.ts';
import type { ControllerDefinition } from './define-controller.ts';

export interface MinimalRoleOptions {
  /** Of the role, and of the user that gets it: letters, digits, `-`, `_` and `.`. */
  readonly name: string;
  /** As for `createManager`. */
  readonly controllers?: readonly ControllerDefinition[];
  readonly resources?: readonly AnyResourceDefinition[];
  readonly prefix?: string;
  readonly garbageCollection?: boolean;
  /** Further kinds that reconciles write through their client. */
  readonly writes?: readonly AnyResourceDefinition[];
  /** Further key prefixes to read and write, such as that of the leader election's keys. */
  readonly writesUnder?: readonly string[];
}

/** What an etcd user may do to all keys under a prefix. */
export interface KeyPermission {
  readonly access: 'read' | 'readwrite';
  readonly prefix: string;
}

/** The least that a manager can work with. */
export interface MinimalRole {
  readonly permissions: readonly KeyPermission[];
  /** For etcdctl, one command each: without the program's name, and without the user's password, which it asks for. */
  readonly commands: readonly (readonly string[])[];
}

const OPTIONS: readonly string[] = [
  'name',
  'controllers',
  'resources',
  'prefix',
  'garbageCollection',
  'writes',
  'writesUnder',
] satisfies (keyof MinimalRoleOptions)[];

/**
 * The etcd role that a manager of these controllers needs, and no more: its own kinds to read and write, watched ones
 * to read (to write as well where the garbage collector deletes them), events to write.
 */
export function minimalRole(options: MinimalRoleOptions): MinimalRole {
  checkOptionNames('minimalRole', options, OPTIONS);
  const { name, controllers = [], resources = [], writes = [], writesUnder = [] } = options;
  const { prefix = DEFAULT_PREFIX, garbageCollection = true } = options;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) {
    throw new SetpointError(
      'Invalid',
      `minimalRole: name must be letters, digits, '-', '_' and '.'; got ${typeof name}`,
      { details: { path: 'name' } },
    );
  }
  const looked = [...controllers.flatMap(({ watches }) => watches.map(({ resource }) => resource)), ...resources];
  const written = [...controllers.flatMap(({ definition, owns }) => [definition, ...owns]), ...writes, Event];
  const access = new Map<string, KeyPermission['access']>();
  for (const kind of looked) access.set(keyPrefix(kind, prefix), garbageCollection ? 'readwrite' : 'read');
  for (const kind of written) access.set(keyPrefix(kind, prefix), 'readwrite');
  for (const under of writesUnder) access.set(under, 'readwrite');
  const permissions = [...access]
    .map(([under, how]): KeyPermission => ({ access: how, prefix: under }))
    .toSorted((left, right) => (left.prefix < right.prefix ? -1 : 1));
  return {
    permissions,
    commands: [
      ['role', 'add', name],
      ...permissions.map(({ access: how, prefix: under }) => [
        'role',
        'grant-permission',
        name,
        how,
        '--prefix=true',
        under,
      ]),
      ['user', 'add', name],
      ['user', 'grant-role', name, name],
    ],
  };
}
