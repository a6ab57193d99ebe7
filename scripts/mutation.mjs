/**
 * `npm run mutation`: changes the queue, the limiters and the controller loop in every small way that Stryker knows, one
 * at a time, and asks their tests to notice. Prints the survivors, and one line for each part; fails when a part's score
 * is below the aim. `-- queue`, `-- limiters` or `-- controller` mutates that part alone, `-- PART FILE` the files of it
 * whose names contain FILE; `--json FILE` writes what was measured. Takes many minutes, but goes file by file and
 * remembers what it has measured in `.cache/mutation/`, as long as neither the file nor its tests change: one that was
 * interrupted goes on where it stopped.
 */
import { Stryker } from '@stryker-mutator/core';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ensureInstalled } from './install.mjs';
import { root } from './steps.mjs';

/** Percent of the mutants that a test has to notice. */
const AIM = 90;

const SOURCE = 'packages/setpoint/src';
const LIMITERS = /(-limiters?|failure-counts|checked-number)\.ts$/;

/**
 * What is mutated, and the tests beside it that should notice, on top of a file's own: each test file costs every mutant
 * a second, so that only those are asked that are likely to.
 *
 * @type {Readonly<Record<string, { readonly files: readonly string[], readonly tests: readonly string[] }>>}
 */
const PARTS = {
  queue: {
    files: [...sources('workqueue').filter((file) => !LIMITERS.test(file)), `${SOURCE}/internal/indexed-heap.ts`],
    tests: ['work-queue', 'work-queue.model', 'delays', 'shutdown', 'priorities', 'cause'].map(
      (name) => `${SOURCE}/workqueue/${name}.test.ts`,
    ),
  },
  limiters: {
    files: sources('workqueue').filter((file) => LIMITERS.test(file)),
    tests: [`${SOURCE}/workqueue/limiters.test.ts`],
  },
  controller: {
    files: sources('controller'),
    tests: ['controller', 'outcome', 'worker-pool', 'user-code', 'warm-up', 'attempt-run', 'pauses', 'explanation'].map(
      (name) => `${SOURCE}/controller/${name}.test.ts`,
    ),
  },
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
  const files = part.files.filter((file) => basename(file).includes(args[1] ?? ''));
  const measured = [];
  for (const file of files) measured.push(await remembered(file, testsOf(file, part.tests)));
  parts.push(summed(name, measured));
}
for (const { name, score, killed, survived } of parts)
  console.log(`mutation ${name}: ${score.toFixed(1)} % of ${killed + survived.length} mutants noticed (aim ${AIM} %)`);
if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify({ aim: AIM, parts }, null, 2)}\n`);
process.exitCode = parts.every(({ score }) => score >= AIM) ? 0 : 1;

/** @typedef {{ readonly killed: number, readonly survived: readonly string[] }} Measured */

/** @param {string} folder */
function sources(folder) {
  return readdirSync(join(root, SOURCE, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'index.ts')
    .map((name) => `${SOURCE}/${folder}/${name}`);
}

/**
 * @param {string} file
 * @param {readonly string[]} common
 */
function testsOf(file, common) {
  const own = file.replace(/\.ts$/, '.test.ts');
  return [...new Set([...(existsSync(own) ? [own] : []), ...common])];
}

/**
 * @param {string} file
 * @param {readonly string[]} tests
 * @returns {Promise<Measured>}
 */
async function remembered(file, tests) {
  const hash = createHash('sha256');
  for (const each of [file, ...tests]) hash.update(readFileSync(each));
  const memory = join('.cache/mutation', `${basename(file)}-${hash.digest('hex').slice(0, 16)}.json`);
  if (!existsSync(memory)) {
    Object.assign(process.env, { MUTATION_TESTS: tests.join(' '), MODEL_RUNS });
    const measured = await measure(file);
    mkdirSync(dirname(memory), { recursive: true });
    writeFileSync(memory, JSON.stringify(measured));
  }
  const measured = JSON.parse(readFileSync(memory, 'utf8'));
  const all = measured.killed + measured.survived.length;
  console.log(`${file}: ${measured.killed} of ${all} mutants noticed`);
  for (const line of measured.survived) console.log(`  ${line}`);
  return measured;
}

/**
 * @param {string} name
 * @param {readonly Measured[]} measured
 */
function summed(name, measured) {
  const killed = measured.reduce((sum, each) => sum + each.killed, 0);
  const survived = measured.flatMap((each) => each.survived);
  const all = killed + survived.length;
  return { name, score: all === 0 ? 0 : (killed / all) * 100, killed, survived };
}

/**
 * @param {string} file
 * @returns {Promise<Measured>}
 */
async function measure(file) {
  const results = await new Stryker({
    mutate: [file],
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
    reporters: [],
    logLevel: 'error',
    // What the tests' tsconfig refers to has to be there.
    ignorePatterns: ['**/dist', '.cache', 'docs'],
    tempDirName: '.cache/stryker',
    thresholds: { high: 100, low: AIM, break: null },
    cleanTempDir: 'always',
  }).runMutationTest();
  const noticed = results.filter(({ status }) => status === 'Killed' || status === 'Timeout');
  const missed = results.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const survived = missed.map(({ location, mutatorName, replacement, status }) => {
    return `${location.start.line}:${location.start.column} ${status} ${mutatorName} → ${replacement ?? ''}`;
  });
  return { killed: noticed.length, survived };
}
