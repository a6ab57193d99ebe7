/**
 * `npm run bench -- queue`: builds and runs `bench/queue.ts`, which measures setpoint beside its peers in one run. What
 * follows the name goes to it: `--gate` fails when a ratio falls short, `--json FILE` writes what was measured.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run } from './steps.mjs';

const [name, ...options] = process.argv.slice(2);
forwardSignals();
process.exitCode = await bench();

/** @returns {Promise<number>} the exit code */
async function bench() {
  if (name === undefined || !existsSync(join(root, 'bench', `${name}.ts`))) {
    console.error(`there is no bench/${name ?? ''}.ts; try: npm run bench -- queue`);
    return 2;
  }
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'bench']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'bench', `${name}.js`);
  return (await run(['node', '--expose-gc', program, ...options], { show: true })).code;
}
