/**
 * `npm run licences`: the licence of every package that comes with a release (not of the tools), from package-lock.json;
 * fails for one that is not known to be fine. `--json` prints it as JSON.
 */
import { fileURLToPath } from 'node:url';
import { releasePackages } from './release-packages.mjs';

const FINE = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD', 'Unlicense', 'Python-2.0']);
const OURS = /^(setpoint|@setpoint\/.*)@/;

/** `[name@version, licence]` of what is not ours. */
export function licences() {
  return [...releasePackages()]
    .filter(([id]) => !OURS.test(id))
    .map(([id, { licence }]) => /** @type {const} */ ([id, licence]));
}

/** Those that somebody has to look at. @param {ReturnType<typeof licences>} rows */
export function doubtful(rows) {
  return rows.filter(([, licence]) => !licence.split(/ OR |[()]/).some((each) => FINE.has(each)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = licences();
  if (process.argv.includes('--json')) console.log(JSON.stringify(Object.fromEntries(rows), undefined, 2));
  else for (const [name, licence] of rows) console.log(`${licence.padEnd(14)} ${name}`);
  const others = doubtful(rows);
  for (const [name, licence] of others)
    console.error(`${name} has the licence "${licence}", which nobody has looked at`);
  console.error(`${rows.length} packages, ${others.length} to look at`);
  process.exitCode = rows.length === 0 || others.length > 0 ? 1 : 0;
}
