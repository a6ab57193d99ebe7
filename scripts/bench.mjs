/**
 * `npm run bench -- queue`: builds and runs `bench/queue.ts`, which measures setpoint beside its peers in one run. What
 * follows the name goes to it: `--gate` fails when a ratio falls short, `--json FILE` writes what was measured, `--help`
 * tells what else there is. Without a name it says which benchmarks there are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { forwardSignals, root, run } from './steps.mjs';

const [name, ...options] = process.argv.slice(2);
forwardSignals();
process.exitCode = await bench();

/** @returns {Promise<number>} the exit code */
async function bench() {
  const names = benchmarks();
  if (name === '--help' || name === '-h') {
    console.log(`npm run bench -- NAME [options]; NAME --help tells its options. There are:\n  ${names.join('\n  ')}`);
    return 0;
  }
  if (name === undefined || !names.includes(name)) {
    console.error(`${name ?? 'no name'}: there is no such benchmark, expected one of ${names.join(', ')}; see --help`);
    return 2;
  }
  await ensureInstalled();
  const build = await run(['tsc', '-b', 'bench']);
  if (build.code !== 0) console.error(build.output);
  if (build.code !== 0) return build.code;
  const program = join(root, '.cache', 'bench', `${name}.js`);
  return (await run(['node', '--expose-gc', program, ...options], { show: true })).code;
}

/** Programs among the files beside each other in bench/: those that read a command line. */
function benchmarks() {
  const folder = join(root, 'bench');
  return readdirSync(folder)
    .filter(
      (file) => file.endsWith('.ts') && /commandLine\(|parseArgs\(/.test(readFileSync(join(folder, file), 'utf8')),
    )
    .map((file) => file.replace(/\.ts$/, ''));
}
