/**
 * `npm run check`: the one command before a commit. Types, lint, format, boundaries, packaging and the unit tests, in
 * under a minute; every step runs, also after one failed. `npm test` is everything.
 */
import { ensureInstalled } from './install.mjs';
import { staticSteps } from './static-steps.mjs';
import { forwardSignals, printTable, runSteps, timed, useTemporaryFolder } from './steps.mjs';

forwardSignals();
useTemporaryFolder();
const install = await timed('install', async () => ({ passed: true, note: await ensureInstalled() }));
const steps = [...staticSteps, { name: 'unit tests', commands: [['vitest', 'run', '--project', 'unit']] }];
const outcomes = install.result === 'passed' ? await runSteps(steps) : [];
process.exitCode = printTable([install, ...outcomes]) ? 0 : 1;
