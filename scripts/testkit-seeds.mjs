/**
 * `npm run testkit:seeds`: builds and runs `test/simulation/seeds/main.ts`, which shows that the test kit catches known
 * bugs and leaves their fixed twins alone. It says what may follow `--`.
 */
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run } from './steps.mjs';

forwardSignals();
process.exitCode = await seeds();

/** @returns {Promise<number>} the exit code */
async function seeds() {
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'test/simulation/seeds']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'simulation', 'simulation', 'seeds', 'main.js');
  return (await run(['node', program, ...process.argv.slice(2)], { show: true })).code;
}
