/**
 * `npm run simulate -- --schedules N --seed S`: builds and runs `test/simulation/campaign/main.ts`, which puts the example
 * controllers and the runtime under faults. It says what else may follow.
 */
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run } from './steps.mjs';

forwardSignals();
process.exitCode = await simulate();

/** @returns {Promise<number>} the exit code */
async function simulate() {
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'test/simulation/campaign']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'simulation-campaign', 'test', 'simulation', 'campaign', 'main.js');
  // Short-lived objects of one schedule should die young: a large nursery halves the time of collecting them.
  return (await run(['node', '--max-semi-space-size=64', program, ...process.argv.slice(2)], { show: true })).code;
}
