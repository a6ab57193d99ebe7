/**
 * `npm run mutation`: changes the queue, the limiters and the controller loop in every small way that Stryker knows, one
 * at a time, and asks their tests to notice. Prints the survivors, and one line for each part; fails when a part's score
 * is below the aim. `-- queue`, `-- limiters` or `-- controller` mutates that part alone, `-- PART FILE` one file of it;
 * `--json FILE` writes what was measured. Takes many minutes.
 */
import { Stryker } from '@stryker-mutator/core';
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { root } from './steps.mjs';

/** Percent of the mutants that a test has to notice. */
const AIM = 90;

const SOURCE = 'packages/setpoint/src';
const TESTS = `!${SOURCE}/**/*.test.ts`;
const LIMITERS = `${SOURCE}/workqueue/{*-limiter,*-limiters,failure-counts,checked-number}.ts`;

/**
 * What is mutated, and the tests that should notice: those beside it. Each test file costs every mutant a second.
 *
 * @type {Readonly<Record<string, { readonly mutate: readonly string[], readonly tests: readonly string[] }>>}
 */
const PARTS = {
  queue: {
    mutate: [`${SOURCE}/workqueue/*.ts`, `${SOURCE}/internal/indexed-heap.ts`, `!${LIMITERS}`, TESTS],
    tests: [`${SOURCE}/workqueue/!(limiters).test.ts`, `${SOURCE}/internal/indexed-heap.test.ts`],
  },
  limiters: { mutate: [LIMITERS, TESTS], tests: [`${SOURCE}/workqueue/limiters.test.ts`] },
  controller: { mutate: [`${SOURCE}/controller/*.ts`, TESTS], tests: [`${SOURCE}/controller/*.test.ts`] },
};

/** Runs of each property: a mutant that lives through so many is found by another test, or not at all. */
const MODEL_RUNS = '60';

const args = process.argv.slice(2);
const jsonAt = args.indexOf('--json');
const jsonFile = jsonAt < 0 ? undefined : args.splice(jsonAt, 2)[1];
const asked = args[0] === undefined ? Object.keys(PARTS) : [args[0]];

process.chdir(root);
await ensureInstalled();
const parts = [];
for (const name of asked) {
  const part = PARTS[name];
  if (part === undefined) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(', ')}`);
  Object.assign(process.env, { MUTATION_TESTS: part.tests.join(' '), MODEL_RUNS });
  parts.push(await measure(name, args[1] === undefined ? part.mutate : [args[1]]));
}
for (const { name, score, killed, survived } of parts)
  console.log(`mutation ${name}: ${score.toFixed(1)} % of ${killed + survived.length} mutants noticed (aim ${AIM} %)`);
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify({ aim: AIM, parts }, null, 2)}\n`);
process.exitCode = parts.every(({ score }) => score >= AIM) ? 0 : 1;

/**
 * @param {string} name
 * @param {readonly string[]} mutate
 */
async function measure(name, mutate) {
  const results = await new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    // Stryker reads a tsconfig with the API of TypeScript 5, which 7 has not. It needs none for this.
    tsconfigFile: 'does-not-exist.json',
    // Messages are for people: that they are worded so is nobody's promise.
    mutator: { excludedMutations: ['StringLiteral'] },
    ignoreStatic: true,
    concurrency: 2,
    // Long, so that a busy machine makes no mutant look noticed.
    timeoutMS: 60_000,
    reporters: ['progress-append-only'],
    // What the tests' tsconfig refers to has to be there.
    ignorePatterns: ['**/dist', '.cache', 'docs'],
    tempDirName: '.cache/stryker',
    thresholds: { high: 100, low: AIM, break: null },
    cleanTempDir: 'always',
  }).runMutationTest();
  const noticed = results.filter(({ status }) => status === 'Killed' || status === 'Timeout');
  const missed = results.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const survived = missed.map(({ fileName, location, mutatorName, replacement, status }) => {
    const place = `${relative(root, fileName)}:${location.start.line}:${location.start.column}`;
    return `${place} ${status} ${mutatorName} → ${replacement ?? ''}`;
  });
  for (const line of survived) console.log(line);
  const all = noticed.length + missed.length;
  return { name, score: all === 0 ? 0 : (noticed.length / all) * 100, killed: noticed.length, survived };
}
