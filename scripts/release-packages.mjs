/** Which packages come with a release: what package-lock.json says of ours, of what they need, and so on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './steps.mjs';

/** The folders of the packages that are published. */
export const OWN = ['packages/setpoint', 'packages/etcd', 'packages/cli'];

/**
 * @typedef {{ version: string, name?: string, license?: string, integrity?: string, link?: boolean, resolved?: string,
 *   dependencies?: Record<string, string> }} Locked
 * @typedef {{ name: string, version: string, licence: string, integrity: string | undefined, needs: string[] }} Part
 *   `needs`: as `name@version`
 */

/**
 * All of them, by `name@version`, sorted. Development tools are not among them, nor is what a user has to bring.
 *
 * @returns {Map<string, Part>}
 */
export function releasePackages() {
  /** @type {{ packages: Record<string, Locked> }} */
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  /** @type {Map<string, Part>} */
  const found = new Map();

  /** As Node looks: in each `node_modules` on the way up. @param {string} from @param {string} name */
  const resolve = (from, name) => {
    for (let at = from; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
      const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
      if (packages[path]) return packages[path].link ? (packages[path].resolved ?? path) : path;
      if (at === '') throw new Error(`package-lock.json has no ${name} for ${from}`);
    }
  };
  /** @param {string} path @param {string} name @returns {string} */
  const visit = (path, name) => {
    const locked = packages[path];
    if (!locked) throw new Error(`package-lock.json has no ${path}`);
    const id = `${name}@${locked.version}`;
    if (found.has(id)) return id;
    /** @type {Part} */
    const part = {
      name,
      version: locked.version,
      licence: licenceOf(path, locked),
      integrity: locked.integrity,
      needs: [],
    };
    found.set(id, part);
    for (const needed of Object.keys(locked.dependencies ?? {})) {
      part.needs.push(visit(resolve(path, needed), needed));
    }
    return id;
  };
  for (const path of OWN) visit(path, JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).name);
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Our own say it in their package.json, if at all. @param {string} path @param {Locked} locked */
function licenceOf(path, { license }) {
  if (!OWN.includes(path)) return license ?? 'not said';
  return JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')).license ?? 'not said';
}
