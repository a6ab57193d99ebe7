/**
 * `npm start`: the main job. Installs and builds what is missing, then runs the deployment example with the same
 * arguments, environment and terminal, and ends as it ends.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { passesOn, root, run } from './steps.mjs';

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

async function prepare() {
  await ensureInstalled();
  const { code, output } = await run(['tsc', '-b', 'examples/deployment']);
  if (code !== 0) throw new Error(`The build failed:\n${output}`);
}

function runExample() {
  const main = join(root, 'examples', 'deployment', 'dist', 'main.js');
  const child = spawn(process.execPath, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of SIGNALS) process.on(signal, () => passesOn(signal) && child.kill(signal));
  child.on('exit', (code, signal) => {
    for (const each of SIGNALS) process.removeAllListeners(each);
    if (signal) process.kill(process.pid, signal);
    else process.exitCode = code ?? 1;
  });
}

try {
  await prepare();
  runExample();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
