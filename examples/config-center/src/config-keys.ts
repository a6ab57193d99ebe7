import { isDnsSubdomain } from 'setpoint/resource';
import { SetpointError } from 'setpoint';

/** Which configuration: of an app in a namespace. */
export interface ConfigName {
  readonly namespace: string;
  readonly app: string;
}

/**
 * Key design. What everybody reads is one key with the plain value, readable with any etcd client:
 *
 *     /registry/configs/<namespace>/<app>
 *
 * Beside it, under prefixes of their own, so that a list or watch of the configurations never sees them: each version
 * that ever was, padded so that keys sort as numbers do, and values for single instances, which go with their lease.
 *
 *     /registry/config-versions/<namespace>/<app>/0000000012
 *     /registry/config-instances/<namespace>/<app>/<instance>
 */
export function configKey({ namespace, app }: ConfigName): string {
  return `/registry/configs/${checked(namespace)}/${checked(app)}`;
}

export function versionsPrefix({ namespace, app }: ConfigName): string {
  return `/registry/config-versions/${checked(namespace)}/${checked(app)}/`;
}

export function versionKey(name: ConfigName, version: number): string {
  return `${versionsPrefix(name)}${String(version).padStart(10, '0')}`;
}

export function instancesPrefix({ namespace, app }: ConfigName): string {
  return `/registry/config-instances/${checked(namespace)}/${checked(app)}/`;
}

export function instanceKey(name: ConfigName, instance: string): string {
  return `${instancesPrefix(name)}${checked(instance)}`;
}

/** A name with a slash would reach into another app's keys. */
function checked(name: string): string {
  if (isDnsSubdomain(name)) return name;
  const message = `expected a name of lower-case letters, digits, "-" and ".", got ${JSON.stringify(name)}`;
  throw new SetpointError('Invalid', message);
}
