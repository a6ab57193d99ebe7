/**
 * `npm run torture -- --rows F-1..F-67 --cycles N`: builds and runs `test/torture/main.ts`, which says what else may
 * follow.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run, useTemporaryFolder } from './steps.mjs';

forwardSignals();
process.exitCode = await torture();

/** @returns {Promise<number>} the exit code */
async function torture() {
  await ensureInstalled();
  useTemporaryFolder();
  const built = join(root, '.cache', 'torture');
  // Rows are found by looking into this folder, and one whose source is gone must not be.
  rmSync(built, { recursive: true, force: true });
  rmSync(`${built}.tsbuildinfo`, { force: true });
  const build = await run(['tsc', '-b', 'test/torture']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  return (await run(['node', '--expose-gc', join(built, 'main.js'), ...process.argv.slice(2)], { show: true })).code;
}
