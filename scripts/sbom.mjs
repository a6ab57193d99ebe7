/** `npm run sbom -- [FILE]`: what a release consists of, as CycloneDX; `sbom.cdx.json` in `.cache/` by default. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './steps.mjs';

const file = process.argv[2] ?? join(root, '.cache', 'sbom.cdx.json');
const workspaces = ['setpoint', '@setpoint/etcd', '@setpoint/cli'].flatMap((name) => ['--workspace', name]);
const { code, output } = await run(['npm', 'sbom', '--omit=dev', '--sbom-format=cyclonedx', ...workspaces]);
const text = output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1);
if (code !== 0 || text === '') {
  console.error(output);
  process.exitCode = code || 1;
} else {
  writeFileSync(file, `${text}\n`);
  console.log(`${JSON.parse(text).components.length} components in ${file}`);
}
