/**
 * `npm run sbom -- [FILE]`: what a release consists of, as CycloneDX, from package-lock.json alone; `sbom.cdx.json` in
 * `.cache/` by default.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OWN, releasePackages } from './release-packages.mjs';
import { root } from './steps.mjs';

/** @typedef {import('./release-packages.mjs').Part} Part */

/** A package as the whole world calls it. @param {{ name: string, version: string }} part */
const purl = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** @param {Part} part */
function componentOf({ name, version, licence, integrity }) {
  const hash = /^sha512-(.+)$/.exec(integrity ?? '')?.[1];
  return {
    type: 'library',
    'bom-ref': purl({ name, version }),
    name,
    version,
    purl: purl({ name, version }),
    ...(licence !== 'not said' && {
      licenses: [/ (OR|AND) /.test(licence) ? { expression: licence } : { license: { id: licence } }],
    }),
    ...(hash && { hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }] }),
  };
}

/** The same text for the same lock file: no time, no serial number. */
export function bill() {
  const parts = releasePackages();
  const ref = /** @param {string} id */ (id) => purl(/** @type {Part} */ (parts.get(id)));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': 'setpoint-release', name: 'setpoint-release' } },
    components: [...parts.values()].map(componentOf),
    dependencies: [...parts].map(([id, { needs }]) => ({ ref: ref(id), dependsOn: needs.map(ref).sort() })),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = resolve(process.argv[2] ?? join(root, '.cache', 'sbom.cdx.json'));
  const made = bill();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(made, undefined, 2)}\n`);
  console.log(`${made.components.length} components in ${file}, ${OWN.length} of them ours`);
}
