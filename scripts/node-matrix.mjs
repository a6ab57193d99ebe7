/**
 * `npm run matrix -- [20 22 24]`: the checks and the unit tests on each major version of Node, with the real binaries
 * from the registry's `node-<platform>-<arch>` packages. `--all` runs `npm test` instead, which takes long.
 */
import { run } from './steps.mjs';

const args = process.argv.slice(2);
const majors = args.filter((each) => /^\d+$/.test(each));
const command = args.includes('--all') ? 'npm test' : 'node scripts/check.mjs';
const failed = [];
for (const major of majors.length > 0 ? majors : ['20', '22', '24']) {
  console.log(`── Node ${major}`);
  const binary = `node-${process.platform}-${process.arch}@${major}`;
  const { code } = await run(['npx', '-y', '-p', binary, '-c', `node --version && ${command}`], { show: true });
  if (code !== 0) failed.push(major);
}
console.log(failed.length === 0 ? 'all versions passed' : `failed on Node ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
