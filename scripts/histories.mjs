/**
 * `npm run histories -- --count N --seed S`: builds and runs `test/linearizability/main.ts`, and with `counter` as its
 * first word `counter-main.ts` beside it. Both say what else may follow.
 */
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run, useTemporaryFolder } from './steps.mjs';

forwardSignals();
process.exitCode = await histories();

/** @returns {Promise<number>} the exit code */
async function histories() {
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'test/linearizability']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  useTemporaryFolder();
  const [first, ...rest] = process.argv.slice(2);
  const [name, options] = first === 'counter' ? ['counter-main.js', rest] : ['main.js', process.argv.slice(2)];
  const program = join(root, '.cache', 'linearizability', name);
  return (await run(['node', program, ...options], { show: true })).code;
}
