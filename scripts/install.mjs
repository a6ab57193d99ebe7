/** Brings `node_modules` to what package-lock.json says, so that a fresh clone needs no command before the first one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './steps.mjs';

/** Node's version, as far as package.json asks for one. */
const NODE_MIN = [20, 19];

/**
 * Runs `npm ci` when something is missing or differs. Throws when this Node is too old or npm fails.
 *
 * @returns {Promise<string>} what it did, in a few words
 */
export async function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`This is Node ${process.versions.node}; setpoint needs ${NODE_MIN.join('.')} or newer.`);
  }
  if (isInstalled()) return 'already there';
  console.log('Installing dependencies (npm ci) …');
  const { code, output } = await run(['npm', 'ci', '--no-audit', '--no-fund']);
  if (code !== 0) throw new Error(`npm ci failed:\n${output}`);
  return 'npm ci';
}

/** npm leaves a list of what it installed; it has to agree with the lock file in every package for this machine. */
function isInstalled() {
  const list = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(list)) return false;
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(list);
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true;
    const there = present[path];
    if (!there || !existsSync(join(root, path))) return entry.optional === true || entry.devOptional === true;
    return there.version === entry.version && (!entry.integrity || there.integrity === entry.integrity);
  });
}

/** @param {string} file @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }>} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
