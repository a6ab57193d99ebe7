/** Running the steps of `npm run check` and `npm test`: quiet while they pass, everything they said when they fail. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ name: string, seconds: number, result: 'passed' | 'failed' | 'skipped', note?: string }} Outcome */
/** @typedef {{ name: string, commands: readonly (readonly string[])[] }} Step  each command: a program and its arguments */

/** The root of the tree. Every command runs there. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

/** Running children, to pass signals on to. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();

/** SIGINT and SIGTERM go to the children; the script itself ends when they have, and so still cleans up. */
export function forwardSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.on(signal, () => {
      interrupted = true;
      if (passesOn(signal)) for (const child of children) child.kill(signal);
    });
  }
}

/** A terminal sends Ctrl-C to the children too, and a second one means "at once" to many. @param {NodeJS.Signals} signal */
export const passesOn = (signal) => signal !== 'SIGINT' || !process.stdin.isTTY;

/** Whether a signal asked the script to end: no further step is started. */
let interrupted = false;

/**
 * Runs one program to its end, with no stdin. A program of a package is found in `node_modules/.bin`.
 *
 * @param {readonly string[]} command
 * @param {{ show?: boolean, env?: Record<string, string> }} [options] `show`: print what it says as it says it
 * @returns {Promise<{ code: number, output: string }>} 127 when it could not be started, 128 when a signal ended it
 */
export function run([program = '', ...args], { show = false, env = {} } = {}) {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`;
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env, PATH: path },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    children.add(child);
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code) => {
      children.delete(child);
      resolve({ code: code ?? 128, output });
    });
  });
}

/**
 * Runs every step, also after one failed, and prints the output of those that fail.
 *
 * @param {readonly Step[]} steps
 * @returns {Promise<Outcome[]>}
 */
export async function runSteps(steps) {
  const outcomes = [];
  for (const { name, commands } of steps) {
    outcomes.push(
      await timed(name, async () => {
        let passed = true;
        for (const command of commands) {
          const { code, output } = await run(command);
          if (code === 0) continue;
          passed = false;
          console.log(`\n── ${name}: ${command.join(' ')}\n${withoutNpmNoise(output).trimEnd()}\n`);
        }
        return { passed };
      }),
    );
  }
  return outcomes;
}

/**
 * Times `work` and says how it went; what it throws is a failure with its message as the note.
 *
 * @param {string} name
 * @param {() => Promise<{ passed: boolean, note?: string | undefined }>} work
 * @returns {Promise<Outcome>}
 */
export async function timed(name, work) {
  if (interrupted) return { name, seconds: 0, result: 'skipped' };
  const start = performance.now();
  const { passed, note } = await work().catch((error) => ({ passed: false, note: String(error.message) }));
  const outcome = { name, seconds: (performance.now() - start) / 1000, result: passed ? 'passed' : 'failed', note };
  console.log(line(/** @type {Outcome} */ (outcome)));
  return /** @type {Outcome} */ (outcome);
}

/** Prints every step with its seconds and result, and returns whether all passed. @param {readonly Outcome[]} outcomes */
export function printTable(outcomes) {
  const total = outcomes.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`\n${'step'.padEnd(14)}${'seconds'.padStart(9)}  result`);
  for (const outcome of outcomes) console.log(line(outcome));
  console.log(`${'total'.padEnd(14)}${total.toFixed(1).padStart(9)}`);
  return outcomes.every(({ result }) => result === 'passed');
}

/** @param {Outcome} outcome */
function line({ name, seconds, result, note }) {
  return `${name.padEnd(14)}${seconds.toFixed(1).padStart(9)}  ${result}${note ? `  ${note}` : ''}`;
}

/** npm repeats its remarks about the machine's own settings in every call. @param {string} output */
function withoutNpmNoise(output) {
  return output.replaceAll(/^npm (warn|notice).*\n/gm, '');
}

/**
 * A folder for everything temporary of this run, inside the ignored `.cache/`; the children find it as TMPDIR. It goes
 * when the process exits, and those of runs that were killed go now. What must not see this tree's node_modules goes into
 * SETPOINT_OUTSIDE, and removes itself.
 */
export function useTemporaryFolder() {
  const parent = join(root, '.cache', 'tmp');
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) if (!isAlive(Number(name))) rmSync(join(parent, name), { recursive: true });
  const folder = join(parent, String(process.pid));
  mkdirSync(folder, { recursive: true });
  process.env.SETPOINT_OUTSIDE = tmpdir();
  process.env.TMPDIR = folder;
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
