/**
 * `npm run collect -- --graphs N --seed S`: builds and runs `test/simulation/collecting/main.ts`, the campaign of
 * garbage collectors that crash.
 */
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run } from './steps.mjs';

forwardSignals();
process.exitCode = await collect();

/** @returns {Promise<number>} the exit code */
async function collect() {
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'test/simulation/collecting']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'simulation', 'collecting', 'main.js');
  return (await run(['node', program, ...process.argv.slice(2)], { show: true })).code;
}
