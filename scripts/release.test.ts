import { describe, expect, it } from 'vitest';
import { doubtful, licences } from './licences.mjs';
import { bill } from './sbom.mjs';

describe('what a release consists of', () => {
  const { components, dependencies } = bill();
  const names = components.map(({ name }) => name);

  it('is our packages and all that they need, with a version and a hash, and no tools', () => {
    expect(names).toEqual(
      expect.arrayContaining(['setpoint', '@setpoint/etcd', '@setpoint/cli', 'etcd3', 'p-queue', 'rxjs']),
    );
    expect(names).not.toContain('vitest');
    const foreign = components.filter(({ name }) => !/^(setpoint$|@setpoint\/)/.test(name));
    expect(foreign.filter(({ hashes, licenses }) => !hashes || !licenses)).toEqual([]);
    const refs = new Set(components.map((each) => each['bom-ref']));
    expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
    expect(JSON.stringify(bill())).toBe(JSON.stringify(bill()));
  });

  it('has licences that allow it, and says so of one that may not', () => {
    expect(licences()).toHaveLength(components.length - 3);
    expect(doubtful(licences())).toEqual([]);
    expect(
      doubtful([
        ['left@1.0.0', 'GPL-3.0-only'],
        ['right@1.0.0', '(GPL-2.0 OR MIT)'],
      ]),
    ).toEqual([['left@1.0.0', 'GPL-3.0-only']]);
  });
});
