/** `npm run ctl -- get deploy`: builds what is missing, then runs the command line of the deployment example. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { root, run } from './steps.mjs';

await ensureInstalled();
const { code, output } = await run(['tsc', '-b', 'examples/deployment']);
if (code !== 0) {
  console.error(`The build failed:\n${output}`);
  process.exit(code);
}
process.on('SIGINT', () => {}); // the terminal tells the child as well
const program = join(root, 'examples', 'deployment', 'dist', 'ctl.js');
process.exitCode = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;
