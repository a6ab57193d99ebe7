import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ambientSourcesIn } from './ambient-sources.mjs';
import { findBreaches, LAYERS } from './boundaries.mjs';
import { importsOf, tokenize } from './source-tokens.mjs';

const used = (code: string): string[] => ambientSourcesIn(tokenize(code)).map(({ name }) => name);
const workspaces = [
  { folder: 'packages/setpoint', name: 'setpoint', dependencies: ['rxjs', '@standard-schema/spec'] },
  { folder: 'packages/etcd', name: '@setpoint/etcd', dependencies: ['etcd3', 'setpoint'] },
];
const src = 'packages/setpoint/src';
/** The messages for one tree of files. */
const breaches = (files: Record<string, string>): string[] =>
  findBreaches(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    workspaces,
  ).map(({ path, line, message }) => `${path}:${line}: ${message}`);

describe('time and randomness', () => {
  it.each([
    ['a timer', 'setTimeout(work, 5);', ['setTimeout']],
    ['a repeating timer', 'const t = setInterval(work, 5);', ['setInterval']],
    ['an immediate', 'new Promise((resolve) => setImmediate(resolve));', ['setImmediate']],
    ['a timer kept under another name', 'const later = setTimeout;', ['setTimeout']],
    ['a global object before it', 'globalThis.setTimeout(work, 5);', ['setTimeout']],
    ['a quoted member of the global object', "globalThis['setTimeout'](work, 5);", ['setTimeout']],
    ['a pattern that renames', 'const { setTimeout: later } = globalThis;', ['setTimeout']],
    ['an import that renames', "import { setTimeout as later } from 'node:timers';", ['node:timers', 'setTimeout']],
    ['timers as promises', "import * as timers from 'timers/promises';", ['node:timers/promises']],
    [
      'the performance module',
      "import { performance as p } from 'node:perf_hooks';",
      ['node:perf_hooks', 'performance'],
    ],
    ['a late import of timers', "const t = await import('node:timers');", ['node:timers']],
    ['the time of day', 'const at = Date.now();', ['Date.now']],
    ['the time of day, optionally', 'const at = Date?.now();', ['Date.now']],
    ['the time of day as a value', 'const { clock = Date.now } = options;', ['Date.now']],
    ['the time of day, quoted', "Date['now']()", ['Date.now']],
    ['the time of day out of a pattern', 'const { now: wall } = Date;', ['Date.now']],
    ['Date under another name', 'const D = Date;', ['Date.now']],
    ['today', 'const at = new Date();', ['new Date()']],
    ['today without brackets', 'const at = new Date;', ['new Date()']],
    ['today through the global object', 'const at = new globalThis.Date();', ['new Date()']],
    ['today as text', 'log(Date());', ['Date()']],
    ['a stopwatch', 'performance.now()', ['performance']],
    ['a finer stopwatch', 'process.hrtime.bigint()', ['hrtime']],
    ['how long the process is up', 'process.uptime()', ['process.uptime']],
    ['a signal with a timer in it', 'fetch(url, { signal: AbortSignal.timeout(5) });', ['AbortSignal.timeout']],
    ['a random number', 'Math.random()', ['Math.random']],
    ['a random number out of a pattern', 'const { random } = Math;', ['Math.random']],
    ['Math under another name', 'const m = Math;', ['Math.random']],
    ['a uuid', 'crypto.randomUUID()', ['randomUUID']],
    ['a uuid out of a pattern', 'const { randomUUID } = crypto;', ['randomUUID']],
    ['random bytes, imported', "import { randomBytes as b } from 'node:crypto';", ['randomBytes']],
    ['random bytes, filled in', 'globalThis.crypto.getRandomValues(buffer);', ['getRandomValues']],
    ['code inside a template', 'log(`at ${`${Date.now()}`}`);', ['Date.now']],
    ['code after a regular expression', 'if (/[/"]/.test(x)) setTimeout(work, 5);', ['setTimeout']],
    ['code after a division', 'const half = total / 2; setTimeout(work, half / 2);', ['setTimeout']],
  ])('finds %s', (_what, code, names) => {
    expect(used(code)).toEqual(names);
  });

  it.each([
    ['a line comment', '// setTimeout(work, 5)\nwork();'],
    ['a block comment', '/** Like {@link setTimeout}; `Date.now()` is not used. */'],
    ['a string', `log("setTimeout(work, 5)" + 'Math.random()');`],
    ['a template', 'log(`Date.now() is ${clock.wallNow()} and \\` randomUUID()`);'],
    ['a template after an object in its code', 'log(`${format({ a: { b: 1 } })} Date.now()`);'],
    ['a regular expression', 'const calls = /setTimeout\\("|Date.now\\(/g;'],
    ['an injected timer', 'clock.setTimer(work, 5);'],
    ['a longer name', 'const setTimeoutMs = 5, myDate = 1, randomBytesLeft = 2;'],
    ["another object's method", 'socket.setTimeout(5); request?.setTimeout(5);'],
    ['a method that it declares', 'class Socket { setTimeout(ms: number): void { this.ms = ms; } }'],
    ['a member of an interface', 'interface Timers { setTimeout?: (work: () => void) => void; performance: number }'],
    ['a key with a value', 'const limits = { setTimeout: 5, performance: 3 };'],
    ['a given date', 'const at = new Date(clock.wallNow()); const then = new Date(0).toISOString();'],
    ['a date read from text', "Date.parse(text); Date.UTC(2026, 0); x instanceof Date; Date['parse'](text)"],
    ['Date as a type', 'type When = Date; function at(when: Date, other?: Date): Date { return when; }'],
    ['the rest of Math', 'Math.min(1, 2); const { max } = Math;'],
    ['a now of its own', 'clock.now(); const { now } = clock; const random = seeded.random();'],
    ['the rest of AbortSignal', 'AbortSignal.any([a, b]); AbortSignal.abort();'],
    ['clearing', 'clearTimeout(handle);'],
    ['the rest of crypto', "import { createHash } from 'node:crypto';"],
    ['the next turn', 'queueMicrotask(work); process.nextTick(work);'],
    ['a file named so', "import { later } from './timers.ts';"],
  ])('leaves alone %s', (_what, code) => {
    expect(used(code)).toEqual([]);
  });

  it('tells the line of a use, past comments, strings and templates of several lines', () => {
    const code = '/* one\n two */\nconst text = `three\n${four}\n`;\nconst at = Date.now();';
    expect(ambientSourcesIn(tokenize(code))).toEqual([{ name: 'Date.now', line: 6 }]);
  });

  it('allows each source in its own file only, and everything in tests', () => {
    const clock = 'export const now = () => performance.now();';
    expect(breaches({ [`${src}/internal/clock.ts`]: clock })).toEqual([]);
    expect(breaches({ [`${src}/internal/clock.ts`]: 'export const roll = () => Math.random();' })).toHaveLength(1);
    expect(breaches({ [`${src}/internal/delay.ts`]: clock })).toEqual([
      `${src}/internal/delay.ts:1: performance; take time from a Clock and randomness from a Random`,
    ]);
    expect(breaches({ [`${src}/internal/delay.test.ts`]: clock, 'scripts/x.mjs': clock })).toEqual([]);
    expect(breaches({ 'examples/shop/src/main.ts': clock })).toHaveLength(1);
  });
});

describe('imports', () => {
  it('are found in every form, types included', () => {
    const code = `import a from 'a'; import 'b'; import type { C } from 'c'; import { type D, e as f } from 'd';
      import * as g from 'g'; export { h } from 'h'; export * from 'i'; export * as j from 'j'; export type { K } from 'k';
      const l = await import('l'), m = require('m'); let n: import('n').N; import o, { p } from 'o';`;
    expect(importsOf(tokenize(code)).map(({ specifier }) => specifier)).toEqual('abcdghijklmno'.split(''));
  });

  it('are not made of strings, comments, members or ordinary exports', () => {
    const code = `// import 'a'
      log("import 'b'"); host.import('c'); import.meta.url; export const from = 'd'; export { e }; const f = 'f';
      export function g() { return from('g'); }`;
    expect(importsOf(tokenize(code))).toEqual([]);
  });
});

describe('layers', () => {
  it('lets a folder import itself and lower lines', () => {
    const text =
      "import { a } from './a.ts'; import type { B } from '../store/port.ts'; import { c } from '../internal/c.ts';";
    expect(breaches({ [`${src}/informer/b.ts`]: text })).toEqual([]);
  });

  it('finds a higher layer, also for a type', () => {
    expect(breaches({ [`${src}/store/b.ts`]: "\nimport type { Informer } from '../informer/informer.ts';" })).toEqual([
      `${src}/store/b.ts:2: store imports the higher layer informer`,
    ]);
    expect(breaches({ [`${src}/runtime/b.ts`]: "export * from '../index.ts';" })).toEqual([
      `${src}/runtime/b.ts:1: runtime imports the higher layer index`,
    ]);
  });

  it.each([
    ['controller', 'manager'],
    ['manager', 'controller'],
    ['workqueue', 'store'],
    ['informer', 'client'],
    ['garbage-collection', 'runtime'],
  ])('keeps %s and %s strangers', (own, other) => {
    expect(breaches({ [`${src}/${own}/a.ts`]: `import { b } from '../${other}/index.ts';` })).toEqual([
      `${src}/${own}/a.ts:1: ${own} imports its neighbour ${other}`,
    ]);
  });

  it('lets the listed neighbours know each other, in the listed direction', () => {
    expect(breaches({ [`${src}/runtime/a.ts`]: "import { b } from '../garbage-collection/index.ts';" })).toEqual([]);
  });

  it('asks for a layer for a new folder, and lets tests import anything', () => {
    expect(breaches({ [`${src}/gadgets/a.ts`]: '' })).toEqual([
      `${src}/gadgets/a.ts:1: folder "gadgets" has no layer; give it one in boundaries.mjs`,
    ]);
    expect(breaches({ [`${src}/store/a.test.ts`]: "import { b } from '../runtime/index.ts';" })).toEqual([]);
  });

  it('stand in ARCHITECTURE.md as they stand here', () => {
    const text = readFileSync(new URL('../ARCHITECTURE.md', import.meta.url), 'utf8');
    const rows = text.matchAll(/^\| \d+ +\| (`[^|]*`) +\|/gm);
    const shown = Array.from(rows, ([, folders = '']) => folders.replaceAll('`', '').trim().split(', '));
    expect(shown.length).toBeGreaterThan(0);
    const built = new Set(shown.flat());
    expect(shown).toEqual(LAYERS.map((line) => line.filter((folder) => built.has(folder))));
  });

  it('finds circles, also through types, and names the way round', () => {
    const files = {
      [`${src}/store/a.ts`]: "import { b } from './b.ts';",
      [`${src}/store/b.ts`]: "import { c } from './c.ts';",
      [`${src}/store/c.ts`]: "\nimport type { A } from './a.ts';",
      [`${src}/store/d.ts`]: "import { a } from './a.ts'; import { c } from './c.ts';",
    };
    expect(breaches(files)).toEqual([`${src}/store/c.ts:2: imports in a circle: a.ts → b.ts → c.ts → a.ts`]);
    files[`${src}/store/c.ts`] = '';
    expect(breaches(files)).toEqual([]);
  });
});

describe('declared dependencies', () => {
  it('finds a package that another workspace declares, also for a type or a subpath', () => {
    expect(breaches({ [`${src}/store/a.ts`]: "import type { Etcd3 } from 'etcd3/lib/rpc';" })).toEqual([
      `${src}/store/a.ts:1: imports "etcd3", which packages/setpoint/package.json does not declare`,
    ]);
  });

  it('lets through what is declared, what Node brings, and whatever a test needs', () => {
    const text =
      "import { map } from 'rxjs/operators'; import type { S } from '@standard-schema/spec'; import 'node:fs';";
    expect(breaches({ [`${src}/store/a.ts`]: text })).toEqual([]);
    expect(breaches({ 'packages/etcd/src/a.ts': "import { Store } from 'setpoint/store';" })).toEqual([]);
    expect(breaches({ 'packages/etcd/src/a.test.ts': "import { it } from 'vitest';" })).toEqual([]);
  });

  it('finds a builtin without its prefix, a path into another package, and its own package by name', () => {
    expect(breaches({ 'packages/etcd/src/a.ts': "import { readFile } from 'fs/promises';" })).toEqual([
      'packages/etcd/src/a.ts:1: write "node:fs/promises"',
    ]);
    expect(breaches({ 'packages/etcd/src/a.ts': "import { b } from '../../setpoint/src/index.ts';" })).toEqual([
      'packages/etcd/src/a.ts:1: "../../setpoint/src/index.ts" leaves packages/etcd; import the package by name',
    ]);
    expect(breaches({ [`${src}/store/a.ts`]: "import { b } from 'setpoint';" })).toEqual([
      `${src}/store/a.ts:1: imports its own package by name; write the path`,
    ]);
  });
});

describe('files', () => {
  it.each(['utils.ts', 'types.ts', 'helpers/keys.ts', 'common/index.ts', 'misc.test.ts', 'type.d.ts'])(
    'may not be called %s',
    (name) => {
      expect(breaches({ [`${src}/store/${name}`]: '' })).toHaveLength(1);
    },
  );

  it('may have those words inside a name', () => {
    expect(breaches({ [`${src}/store/common-prefix.ts`]: '', 'examples/a/src/utility-bill.ts': '' })).toEqual([]);
  });

  it('export by name', () => {
    expect(breaches({ [`${src}/store/a.ts`]: '\nexport default 5;' })).toHaveLength(1);
    expect(breaches({ [`${src}/store/a.ts`]: 'const a = 5;\nexport { a as default };' })).toHaveLength(1);
    expect(
      breaches({ [`${src}/store/a.ts`]: "export const a = { default: 5 }; import { default as b } from 'rxjs';" }),
    ).toEqual([]);
    expect(breaches({ 'vitest.config.ts': 'export default {};' })).toEqual([]);
  });

  it('have 400 lines at most, tests excepted', () => {
    expect(breaches({ [`${src}/store/a.ts`]: '//\n'.repeat(400) })).toEqual([]);
    expect(breaches({ [`${src}/store/a.ts`]: '//\n'.repeat(401) })).toEqual([
      `${src}/store/a.ts:401: 401 lines; a file past 400 wants splitting`,
    ]);
    expect(breaches({ [`${src}/store/a.test.ts`]: '//\n'.repeat(401) })).toEqual([]);
  });
});
