import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { doubtful, licences } from './licences.mjs';

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const json = (path: string): unknown => JSON.parse(readFileSync(`${root}${path}`, 'utf8'));
const { packages } = json('package-lock.json') as { packages: Record<string, Entry> };
const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && link !== true);
const shipped = foreign.filter(([, { dev }]) => dev !== true);
const named = (entries: readonly (readonly [string, Entry])[]): string[] => entries.map(([path]) => path);

describe('what is installed', () => {
  it('F-118: is held by a digest, down to the last package that comes with a release', () => {
    expect(shipped.length).toBeGreaterThan(20);
    expect(named(shipped.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? '')))).toEqual([]);
    // Tools' binaries for other platforms are the only ones without: nobody installs them here.
    const without = foreign.filter(([, { integrity, optional }]) => integrity === undefined && optional !== true);
    expect(named(without)).toEqual([]);
  });

  it('F-118: is what the lock file says', () => {
    const differing = foreign.flatMap(([path, { version, optional }]) => {
      try {
        const installed = (json(`${path}/package.json`) as { version: string }).version;
        return installed === version ? [] : [`${path}: ${installed}, not ${version}`];
      } catch {
        return optional === true ? [] : [`${path} is missing`];
      }
    });
    expect(differing).toEqual([]);
  });

  it('F-118: runs no script of its own while it is installed', () => {
    // It only prints advice about versions; a new one has to be looked at before it is named here.
    expect(named(foreign.filter(([, { hasInstallScript }]) => hasInstallScript === true))).toEqual([
      'node_modules/protobufjs',
    ]);
    expect(readFileSync(`${root}.npmrc`, 'utf8')).toMatch(/^ignore-scripts=true$/m);
    for (const name of ['setpoint', 'etcd', 'cli']) {
      const { scripts } = json(`packages/${name}/package.json`) as { scripts?: object };
      expect(scripts).toBeUndefined();
    }
  });

  it('F-118: has tools of exactly one version each', () => {
    const { devDependencies } = json('package.json') as { devDependencies: Record<string, string> };
    const loose = Object.entries(devDependencies).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
    expect(loose).toEqual([]);
    expect(Object.keys(devDependencies).length).toBeGreaterThan(5);
  });

  it('F-118: has licences that somebody has looked at', () => {
    expect(licences().length).toBeGreaterThan(20);
    expect(doubtful(licences())).toEqual([]);
  });

  it('F-118: is published by the build, with proof of where it was built, after the tests', () => {
    const release = readFileSync(`${root}.github/workflows/release.yml`, 'utf8');
    const steps = [...release.matchAll(/- run: (.*)/g)].map(([, command]) => command!);
    const at = (part: string): number => steps.findIndex((command) => command.includes(part));
    expect(at('npm ci')).toBe(0);
    expect(at('npm publish --provenance')).toBeGreaterThan(Math.max(at('npm test'), at('licences'), at('sbom')));
    expect(release).toMatch(/id-token: write/);
  });
});
