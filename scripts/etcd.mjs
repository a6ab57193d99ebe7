#!/usr/bin/env node
/**
 * Finds the etcd servers that the tests run against: 3.4 (needed) and 3.5 (used where it can be had).
 *
 * Looked at in this order: `etcd` on the PATH, a build kept in `.cache/etcd/<minor>/`, and on Debian the distribution's
 * own packages, unpacked into that folder. Nothing is installed: apt works on lists and caches of its own, from the
 * mirror that the machine's apt is configured with.
 *
 *     node scripts/etcd.mjs              fetches what is missing and says where each one is
 *     node scripts/etcd.mjs --offline    only looks
 *
 * As a module: `findEtcd('3.4')`, `findEtcds()`.
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { argv, env, exit, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where builds are kept; ignored by git. */
export const cacheFolder = fileURLToPath(new URL('../.cache/etcd', import.meta.url));

/** The minors that the tests know, each with the Debian release that has it besides, maybe, the machine's own. */
const SUITES = { 3.4: 'bookworm', 3.5: 'trixie' };
export const minors = Object.freeze(Object.keys(SUITES));

/**
 * The etcd of one minor version: `{ minor, version, etcd, etcdctl }` with absolute paths. Rejects with one sentence
 * that says how to get one. With `offline` nothing is fetched. Safe to call from several processes at once.
 */
export function findEtcd(minor, { offline = false } = {}) {
  const slot = `${minor} ${offline}`;
  if (!searches.has(slot)) searches.set(slot, search(minor, offline));
  return searches.get(slot);
}

/** All that can be had: `{ found, missing }`, where `missing` holds `{ minor, reason }`. Never rejects. */
export async function findEtcds(options) {
  const results = await Promise.allSettled(minors.map((minor) => findEtcd(minor, options)));
  const found = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const missing = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ minor: minors[index], reason: result.reason.message }] : [],
  );
  return { found, missing };
}

/** One search per minor and process, however many test files ask. */
const searches = new Map();

async function search(minor, offline) {
  if (!(minor in SUITES)) throw new Error(`etcd ${minor} is not one of ${minors.join(', ')}.`);
  const here = (await inspect(minor, await onPath('etcd'), await onPath('etcdctl'))) ?? (await cached(minor));
  if (here) return here;
  if (offline) throw new Error(howToGet(minor, 'it is neither on the PATH nor cached'));
  try {
    await unpackFromDebian(minor);
  } catch (error) {
    throw new Error(howToGet(minor, error.message), { cause: error });
  }
  const fetched = await cached(minor);
  if (!fetched) throw new Error(howToGet(minor, 'the unpacked build does not run on this machine'));
  return fetched;
}

function howToGet(minor, reason) {
  return (
    `No etcd ${minor} (${reason.trim().replaceAll(/\s+/g, ' ')}): put etcd and etcdctl ${minor}.x into ` +
    `${join(cacheFolder, minor)} or on the PATH, or run "node scripts/etcd.mjs" on a Debian with apt's network.`
  );
}

async function onPath(name) {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', name);
    if (await executable(path)) return path;
  }
  return undefined;
}

const executable = (path) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const cached = (minor) => inspect(minor, join(cacheFolder, minor, 'etcd'), join(cacheFolder, minor, 'etcdctl'));

/** What the two binaries are, or undefined when they are not there, do not run or are of another minor. */
async function inspect(minor, etcd, etcdctl) {
  if (!etcd || !etcdctl || !(await executable(etcd)) || !(await executable(etcdctl))) return undefined;
  try {
    const { stdout } = await run(etcd, ['--version'], { env: { ...env, ETCD_UNSUPPORTED_ARCH: unsupportedArch } });
    const version = /etcd Version: (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
    return version?.startsWith(`${minor}.`) ? { minor, version, etcd, etcdctl } : undefined;
  } catch {
    return undefined;
  }
}

/** etcd 3.4 refuses to start on these unless it is told that one means it. */
export const unsupportedArch = process.arch === 'x64' ? '' : process.arch;

async function unpackFromDebian(minor) {
  if (platform !== 'linux' || !(await onPath('apt-get')) || !(await onPath('dpkg'))) {
    throw new Error('this is not a Debian, so there is no package to unpack');
  }
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, `${minor}-unpacking-`));
  try {
    const failures = [];
    for (const { uri, suite } of await sourcesFor(minor, work)) {
      const failure = await unpackFrom(work, uri, suite, minor).then(
        () => undefined,
        (error) => `${suite}: ${firstLine(error)}`,
      );
      if (!failure) return;
      failures.push(failure);
    }
    throw new Error(failures.join('; ') || 'apt has no Debian source configured');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const firstLine = (error) =>
  String(error.stderr || error.message)
    .trim()
    .split('\n')[0];

/**
 * The machine's own suites first, then the release that is known to have the version, all from its own mirrors. Asked
 * as "what would you fetch", which is answered from the configuration alone, whether or not lists were ever fetched.
 */
async function sourcesFor(minor, work) {
  const { stdout } = await run('apt-get', ['-o', `Dir::State::Lists=${work}`, '--print-uris', 'update']);
  const own = [...stdout.matchAll(/^'(\S+?)\/dists\/([^/\s]+)\/(?:In)?Release'/gm)].map(([, uri, suite]) => ({
    uri,
    suite,
  }));
  const uris = new Set(own.map(({ uri }) => uri).filter((uri) => !uri.includes('security')));
  const suites = new Set([...own.map(({ suite }) => suite).filter((suite) => !suite.includes('-')), SUITES[minor]]);
  return [...uris].flatMap((uri) => [...suites].map((suite) => ({ uri, suite })));
}

async function unpackFrom(work, uri, suite, minor) {
  const root = await mkdtemp(join(work, `${suite}-`));
  for (const folder of ['lists/partial', 'cache/archives/partial', 'parts', 'files']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, 'sources.list'), `deb ${uri} ${suite} main\n`);
  await writeFile(join(root, 'status'), '');
  const settings = {
    'Dir::Etc::SourceList': join(root, 'sources.list'),
    'Dir::Etc::SourceParts': join(root, 'parts'),
    'Dir::State::Lists': join(root, 'lists'),
    'Dir::State::Status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'APT::Sandbox::User': '',
    'APT::Default-Release': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, '-q', 'update'], { cwd: root });
  await refuseOtherVersion(options, root, minor);
  await run('apt-get', [...options, '-q', 'download', 'etcd-server', 'etcd-client'], { cwd: root });
  for (const file of (await readdir(root)).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(root, file), join(root, 'files')]);
  }
  await keep(join(root, 'files', 'usr', 'bin'), minor);
}

/** Before 20 MB come over the network. */
async function refuseOtherVersion(options, cwd, minor) {
  const { stdout } = await run('apt-cache', [...options, 'show', '--no-all-versions', 'etcd-server'], { cwd });
  const version = /^Version: (?:\d+:)?(\S+)/m.exec(stdout)?.[1] ?? 'no etcd-server';
  if (!version.startsWith(`${minor}.`)) throw new Error(`has ${version}`);
}

/** Moves the finished build into its place in one step; whoever comes second uses what is there. */
async function keep(folder, minor) {
  const target = join(cacheFolder, minor);
  try {
    await rename(folder, target);
  } catch (error) {
    if (!(await executable(join(target, 'etcd')))) throw error;
  }
}

async function main() {
  const { found, missing } = await findEtcds({ offline: argv.includes('--offline') });
  for (const { version, etcd } of found) console.log(`etcd ${version}  ${dirname(etcd)}`);
  for (const { reason } of missing) console.error(reason);
  if (missing.some(({ minor }) => minor === '3.4')) exit(1);
}

if (argv[1] === fileURLToPath(import.meta.url)) await main();
