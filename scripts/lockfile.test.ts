import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages } = JSON.parse(text) as { packages: Record<string, Entry> };

it('package-lock.json names no registry, so that everyone installs from their own', () => {
  const resolved = Object.values(packages).filter((entry) => entry.resolved !== undefined && !entry.link);
  expect(resolved).toEqual([]);
});

/**
 * npm leaves out a platform's package when the registry does not have it just then, and `npm ci` then refuses the whole
 * file, on every platform. Add the entry by hand, as its siblings stand there: version, cpu, os, dev, optional.
 */
it('package-lock.json names every optional dependency, or else npm ci refuses it', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isReachable(path, name)),
  );
  expect(missing).toEqual([]);
});

/** Whether the package at `path` finds `name` in a node_modules beside it or above. */
function isReachable(path: string, name: string): boolean {
  if (packages[`${path}${path ? '/' : ''}node_modules/${name}`]) return true;
  return path !== '' && isReachable(path.slice(0, Math.max(path.lastIndexOf('node_modules/') - 1, 0)), name);
}
