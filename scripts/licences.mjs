/**
 * `npm run licences`: the licence of every package that comes with a release (not of the tools), and fails for one that is
 * not known to be fine. `--json` prints it as JSON.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './steps.mjs';

const FINE = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD', 'Unlicense', 'Python-2.0']);
const PACKAGES = ['setpoint', '@setpoint/etcd', '@setpoint/cli'];

const args = PACKAGES.flatMap((name) => ['--workspace', name]);
const { output } = await run(['npm', 'ls', '--omit=dev', '--all', '--json', '--long', ...args]);
/** @typedef {{ name?: string, version?: string, path?: string, dependencies?: Record<string, Tree> }} Tree */
/** @type {Map<string, string>} */
const found = new Map();

/** @param {Tree} tree */
function collect({ dependencies = {} }) {
  for (const [name, each] of Object.entries(dependencies)) {
    if (each.path !== undefined && !PACKAGES.includes(name)) {
      const { license = 'not said', version } = JSON.parse(readFileSync(join(each.path, 'package.json'), 'utf8'));
      found.set(`${name}@${version}`, typeof license === 'string' ? license : license.type);
    }
    collect(each);
  }
}

collect(JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)));
const rows = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
if (process.argv.includes('--json')) console.log(JSON.stringify(Object.fromEntries(rows), undefined, 2));
else for (const [name, licence] of rows) console.log(`${licence.padEnd(14)} ${name}`);
const others = rows.filter(([, licence]) => !licence.split(/ OR |[()]/).some((each) => FINE.has(each)));
for (const [name, licence] of others) console.error(`${name} has the licence "${licence}", which nobody has looked at`);
console.error(`${rows.length} packages, ${others.length} to look at`);
process.exitCode = rows.length === 0 || others.length > 0 ? 1 : 0;
