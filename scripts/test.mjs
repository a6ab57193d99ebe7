/**
 * `npm test`: everything, from a fresh clone on. Installs what is missing, builds, finds etcd, runs the static checks and
 * then every test on real etcd. What stands after `--` goes to vitest: `npm test -- -t 'I-2'`.
 *
 * The last line is `N passed, N failed`, counted from vitest's own report; the exit code also minds the other steps.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findEtcds } from './etcd.mjs';
import { ensureInstalled } from './install.mjs';
import { staticSteps } from './static-steps.mjs';
import { forwardSignals, printTable, root, run, runSteps, timed, useTemporaryFolder } from './steps.mjs';

const REPORT = join(root, '.cache', 'test-report.json');

/** 3.4 is the oldest that setpoint promises to work with, so nothing is proven without it; 3.5 widens the proof. */
async function etcd() {
  const { found, missing } = await findEtcds();
  const needed = missing.find(({ minor }) => minor === '3.4');
  for (const { reason } of missing) console.log(reason);
  const notes = [
    ...found.map(({ version }) => version),
    ...missing.map(({ minor }) => `${minor} missing: its tests do not run`),
  ];
  return { passed: !needed, note: notes.join(', ') };
}

async function tests() {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
  const { code } = await run(['vitest', 'run', ...reporters, ...process.argv.slice(2)], { show: true });
  return { passed: code === 0 };
}

/**
 * Passed and failed tests of the report. A file that failed without a failed test (it could not be loaded, or what comes
 * before its tests broke) counts as one failure, and so does a run that left no report.
 */
function count() {
  if (!existsSync(REPORT)) return { passed: 0, failed: 1 };
  /** @type {{ numPassedTests: number, numFailedTests: number, testResults: FileReport[] }} */
  const report = JSON.parse(readFileSync(REPORT, 'utf8'));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

/** @typedef {{ status: string, assertionResults: { status: string }[] }} FileReport */

forwardSignals();
useTemporaryFolder();
rmSync(REPORT, { force: true });
const outcomes = [await timed('install', async () => ({ passed: true, note: await ensureInstalled() }))];
if (outcomes[0]?.result === 'passed') {
  outcomes.push(await timed('etcd', etcd), ...(await runSteps(staticSteps)), await timed('tests', tests));
}
const passed = printTable(outcomes);
const { passed: testsPassed, failed: testsFailed } = count();
process.exitCode = passed && testsFailed === 0 ? 0 : 1;
console.log(`\n${testsPassed} passed, ${testsFailed} failed`);
