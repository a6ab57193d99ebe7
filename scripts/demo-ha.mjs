/**
 * `npm run demo:ha -- --runs N`: builds and runs `test/demo-ha/main.ts`, which says
 * what it shows.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run, useTemporaryFolder } from './steps.mjs';

forwardSignals();
process.exitCode = await demo();

/** @returns {Promise<number>} the exit code */
async function demo() {
  await ensureInstalled();
  useTemporaryFolder();
  const built = join(root, '.cache', 'demo-ha');
  rmSync(built, { recursive: true, force: true });
  rmSync(`${built}.tsbuildinfo`, { force: true });
  const build = await run(['tsc', '-b', 'examples/deployment', 'test/demo-ha']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  return (await run(['node', '--expose-gc', join(built, 'main.js'), ...process.argv.slice(2)], { show: true })).code;
}
