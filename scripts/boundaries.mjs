/**
 * The rules of the source tree that no compiler holds: layers, declared dependencies, cycles, injected time and
 * randomness, and what a file may be called. `node scripts/boundaries.mjs` prints each breach as `file:line: what` and
 * fails when there is one; `boundaries.test.ts` shows what each rule finds and what it leaves alone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ambientSourcesIn } from './ambient-sources.mjs';
import { importsOf, tokenize } from './source-tokens.mjs';

/** Folders of `packages/setpoint/src`, lowest first. A folder imports lower lines only; those on one line are strangers. */
export const LAYERS = [
  ['internal', 'errors'],
  ['resource'],
  ['store', 'workqueue'],
  ['informer', 'client'],
  ['source', 'coordination', 'events'],
  ['controller', 'manager'],
  ['garbage-collection', 'runtime'],
  ['index', 'rx', 'opentelemetry', 'testing'],
];

/** The neighbours that may know each other, and which of the two knows: [importer, imported]. */
export const NEIGHBOURS = [['runtime', 'garbage-collection']];

/** Where time and randomness come from, and what of them each file may use. */
export const AMBIENT_ALLOWED = new Map([
  ['packages/setpoint/src/internal/clock.ts', ['setTimeout', 'setImmediate', 'performance', 'Date.now']],
  ['packages/setpoint/src/internal/random.ts', ['Math.random', 'randomUUID']],
  ['packages/setpoint/src/internal/fake-clock.ts', ['setImmediate']],
  // The simulation puts its own in place of these, and needs a real turn of the event loop below it.
  ['packages/setpoint/src/testing/simulation/drain.ts', ['setImmediate']],
  [
    'packages/setpoint/src/testing/simulation/ambient.ts',
    ['setTimeout', 'setInterval', 'setImmediate', 'performance', 'Math.random', 'randomUUID'],
  ],
  // Real processes and sockets, which no virtual time moves.
  ['examples/deployment/src/agent/leftovers.ts', ['node:timers/promises', 'setTimeout', 'performance']],
  // A program that knows nothing of setpoint.
  ['examples/deployment/src/helloworld.ts', ['setInterval']],
  ['examples/deployment/src/outside.ts', ['AbortSignal.timeout']],
]);

const LINES_MAX = 400;
const LAYERED = 'packages/setpoint/src/';
const FOLDERS = ['packages', 'examples', 'scripts', 'test', 'bench'];
const KIND_NAMES = new Set(['util', 'utils', 'helper', 'helpers', 'type', 'types', 'common', 'misc']);
const BUILTINS = new Set(builtinModules);

/**
 * @typedef {{ path: string, text: string }} SourceFile  path from the root of the tree, with forward slashes
 * @typedef {{ path: string, line: number, message: string }} Breach
 * @typedef {{ folder: string, name: string, dependencies: readonly string[] }} Workspace
 * @typedef {SourceFile & { tokens: import('./source-tokens.mjs').Token[], imports: { specifier: string, line: number }[] }} ReadFile
 */

/** @param {string} path */
const isTest = (path) => /\.test\.[cm]?[jt]s$/.test(path);
/** @param {string} path */
const isProduct = (path) => /^(packages|examples)\/[^/]+\/src\//.test(path) && !isTest(path);

/**
 * Every breach in `files`, in their order.
 *
 * @param {readonly SourceFile[]} files
 * @param {readonly Workspace[]} workspaces
 * @returns {Breach[]}
 */
export function findBreaches(files, workspaces) {
  const read = files.map(({ path, text }) => {
    const tokens = tokenize(text);
    return { path, text, tokens, imports: importsOf(tokens) };
  });
  return [
    ...read.flatMap((file) => [
      ...namesOf(file),
      ...layersOf(file),
      ...declaredOf(file, workspaces),
      ...ambientOf(file),
    ]),
    ...cyclesIn(read.filter(({ path }) => isProduct(path))),
  ];
}

/** @param {ReadFile} file @returns {Breach[]} */
function namesOf({ path, text, tokens }) {
  /** @type {Breach[]} */
  const breaches = [];
  for (const part of path.split('/').map((each) => each.replace(/\..*$/, ''))) {
    if (KIND_NAMES.has(part))
      breaches.push({ path, line: 1, message: `"${part}" names a kind of code, not a concept` });
  }
  const lines = text.split('\n').length - 1;
  if (lines > LINES_MAX && !isTest(path)) {
    breaches.push({ path, line: LINES_MAX + 1, message: `${lines} lines; a file past ${LINES_MAX} wants splitting` });
  }
  for (const [i, token] of tokens.entries()) {
    const exported =
      token.kind === 'name' && token.text === 'default' && ['export', 'as'].includes(tokens[i - 1]?.text ?? '');
    if (exported && isProduct(path))
      breaches.push({ path, line: token.line, message: 'default export; export by name' });
  }
  return breaches;
}

/** The layered folder of a path, `index` for the files beside the folders. @param {string} path */
function folderOf(path) {
  const [first = '', ...rest] = path.slice(LAYERED.length).split('/');
  return rest.length > 0 ? first : first.replace(/\.ts$/, '');
}

/** @param {string} folder */
const layerOf = (folder) => LAYERS.findIndex((line) => line.includes(folder));

/** @param {ReadFile} file @returns {Breach[]} */
function layersOf({ path, imports }) {
  if (!path.startsWith(LAYERED) || isTest(path)) return [];
  const own = folderOf(path);
  if (layerOf(own) < 0)
    return [{ path, line: 1, message: `folder "${own}" has no layer; give it one in boundaries.mjs` }];
  return imports.flatMap(({ specifier, line }) => {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    if (target === undefined) return [];
    if (!target.startsWith(LAYERED))
      return [{ path, line, message: `"${specifier}" leaves the package; import it by name` }];
    const other = folderOf(target);
    if (other === own || layerOf(other) < layerOf(own)) return [];
    if (NEIGHBOURS.some(([from, to]) => from === own && to === other)) return [];
    const how = layerOf(other) === layerOf(own) ? 'its neighbour' : 'the higher layer';
    return [{ path, line, message: `${own} imports ${how} ${other}` }];
  });
}

/** @param {ReadFile} file @param {readonly Workspace[]} workspaces @returns {Breach[]} */
function declaredOf({ path, imports }, workspaces) {
  const workspace = workspaces.find(({ folder }) => path.startsWith(`${folder}/`));
  if (!workspace || isTest(path)) return [];
  return imports.flatMap(({ specifier, line }) => {
    if (specifier.startsWith('node:')) return [];
    if (specifier.startsWith('.')) {
      const inside = posix.join(posix.dirname(path), specifier).startsWith(`${workspace.folder}/`);
      return inside
        ? []
        : [{ path, line, message: `"${specifier}" leaves ${workspace.folder}; import the package by name` }];
    }
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (BUILTINS.has(name)) return [{ path, line, message: `write "node:${specifier}"` }];
    if (name === workspace.name) return [{ path, line, message: `imports its own package by name; write the path` }];
    if (workspace.dependencies.includes(name)) return [];
    return [{ path, line, message: `imports "${name}", which ${workspace.folder}/package.json does not declare` }];
  });
}

/** @param {ReadFile} file @returns {Breach[]} */
function ambientOf({ path, tokens }) {
  if (!isProduct(path)) return [];
  const allowed = AMBIENT_ALLOWED.get(path) ?? [];
  return ambientSourcesIn(tokens)
    .filter(({ name }) => !allowed.includes(name))
    .map(({ name, line }) => ({ path, line, message: `${name}; take time from a Clock and randomness from a Random` }));
}

/**
 * One breach for each import that closes a circle, types included.
 *
 * @param {readonly ReadFile[]} files
 * @returns {Breach[]}
 */
function cyclesIn(files) {
  const byPath = new Map(files.map((file) => [file.path, file]));
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  /** @type {Breach[]} */
  const breaches = [];
  /** @param {ReadFile} file @param {string[]} trail */
  const visit = (file, trail) => {
    state.set(file.path, 'open');
    for (const { specifier, line } of file.imports) {
      const target = specifier.startsWith('.')
        ? byPath.get(posix.join(posix.dirname(file.path), specifier))
        : undefined;
      if (!target) continue;
      const circle = [...trail, file.path, target.path];
      if (state.get(target.path) === 'open') {
        const names = circle.slice(circle.indexOf(target.path)).map((path) => posix.basename(path));
        breaches.push({ path: file.path, line, message: `imports in a circle: ${names.join(' → ')}` });
      } else if (!state.has(target.path)) visit(target, [...trail, file.path]);
    }
    state.set(file.path, 'done');
  };
  for (const file of files) if (!state.has(file.path)) visit(file, []);
  return breaches;
}

/** @param {string} root @returns {SourceFile[]} */
function readTree(root) {
  const skipped = new Set(['node_modules', 'dist', '.cache', 'coverage']);
  /** @param {string} folder @returns {string[]} */
  const walk = (folder) =>
    readdirSync(folder, { withFileTypes: true })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .filter(({ name }) => !skipped.has(name))
      .flatMap((entry) => (entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)]));
  return walk(root)
    .map((path) => ({ path: relative(root, path).split(sep).join('/'), absolute: path }))
    .filter(({ path }) => FOLDERS.includes(path.split('/')[0] ?? '') && /\.[cm]?[jt]sx?$/.test(path))
    .map(({ path, absolute }) => ({ path, text: readFileSync(absolute, 'utf8') }));
}

/** @param {string} root @returns {Workspace[]} */
function readWorkspaces(root) {
  return ['packages', 'examples'].flatMap((parent) =>
    readdirSync(join(root, parent)).flatMap((each) => {
      const folder = `${parent}/${each}`;
      if (!existsSync(join(root, folder, 'package.json'))) return [];
      /** @type {Record<string, any>} */
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const dependencies = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
      return [{ folder, name: manifest.name, dependencies: Object.keys(dependencies) }];
    }),
  );
}

function main() {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const files = readTree(root);
  const breaches = findBreaches(files, readWorkspaces(root));
  for (const { path, line, message } of breaches) console.log(`${path}:${line}: ${message}`);
  console.log(breaches.length === 0 ? `${files.length} files keep the boundaries` : `${breaches.length} breaches`);
  if (breaches.length > 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
