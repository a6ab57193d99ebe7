/**
 * `npm run conformance -- --sequences N --seed S`: builds and runs `test/conformance/differential/main.ts`, which says
 * what else may follow. The databases of its etcds are kept in memory where the machine has a folder for that.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run, useTemporaryFolder } from './steps.mjs';

const IN_MEMORY = '/dev/shm';

forwardSignals();
process.exitCode = await conformance();

/** @returns {Promise<number>} the exit code */
async function conformance() {
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'test/conformance/differential']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'conformance', 'differential', 'main.js');
  return (await run(['node', program, ...process.argv.slice(2)], { show: true, env: { TMPDIR: temporaryFolder() } }))
    .code;
}

function temporaryFolder() {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    return IN_MEMORY;
  } catch {
    useTemporaryFolder();
    return process.env.TMPDIR ?? root;
  }
}
