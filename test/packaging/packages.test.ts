import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiReport, PACKAGES, reportFile } from '../../scripts/api.mjs';
import { importsOf, tokenize } from '../../scripts/source-tokens.mjs';
import { startEtcd } from '../harness/etcd-server.ts';
import { ageless, readTutorial, typed } from './tutorial.ts';
import { type Consumer, installPacked, type PackedPackage } from './packed-packages.ts';

/** What may come with each package. A new one needs a reason, and a change here. */
const DEPENDENCIES: Record<string, { dependencies: string[]; peers: string[] }> = {
  setpoint: { dependencies: ['@standard-schema/spec', 'eventemitter3', 'p-queue', 'rfc6902', 'rxjs'], peers: [] },
  '@setpoint/etcd': { dependencies: ['etcd3'], peers: ['setpoint'] },
  '@setpoint/cli': { dependencies: ['commander', 'yaml'], peers: ['@setpoint/etcd', 'setpoint'] },
};

/** A user's settings; with `skipLibCheck` off, so that our declarations have to hold by themselves. */
const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ['node'],
    outDir: 'out',
  },
  include: ['*.ts'],
};

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

/** The first ts block after `<!-- program: … -->`, and what the README says that it prints. */
function programOfReadme(): { program: string; prints: string } {
  const program = /<!-- program: [\w-]+ -->\s*```ts\n(.*?)```/s.exec(readme)?.[1];
  const prints = /It prints `([^`]+)`/.exec(readme)?.[1];
  if (program === undefined) throw new Error('README.md has no ```ts block after a <!-- program: … --> comment');
  if (prints === undefined) throw new Error('README.md does not say "It prints `…`" after its program');
  return { program, prints };
}

/** Every ts block of the packages' own READMEs: compiled, not run. */
async function examplesOfPackages(): Promise<string[]> {
  const texts = consumer.packages.map(({ manifest }) => consumer.read(`node_modules/${manifest.name}/README.md`));
  const blocks = (await Promise.all(texts)).flatMap((text) => [...text.matchAll(/```ts\n(.*?)```/gs)]);
  return blocks.map(([, block = '']) => block);
}

interface GuideProgram {
  readonly name: string;
  readonly program: string;
  readonly prints: string;
}

/** Every ts block of `docs/guides` that follows `<!-- program: … -->`, with the text block that says what it prints. */
async function programsOfGuides(): Promise<GuideProgram[]> {
  const guides = fileURLToPath(new URL('../../docs/guides/', import.meta.url));
  const files = (await readdir(guides)).filter((file) => file.endsWith('.md'));
  const texts = await Promise.all(files.map((file) => readFile(`${guides}${file}`, 'utf8')));
  return texts.flatMap((text) => {
    const found = [...text.matchAll(/<!-- program: ([\w-]+) -->\s*```ts\n(.*?)```\s*```text\n(.*?)```/gs)];
    const marked = text.match(/<!-- program: /g) ?? [];
    if (found.length !== marked.length) throw new Error('a program of a guide has no ```text block after it');
    return found.map(([, name = '', program = '', prints = '']) => ({ name, program, prints }));
  });
}

const guidePrograms = await programsOfGuides();

let consumer: Consumer;
const entries = ({ manifest }: PackedPackage): string[] =>
  Object.keys(manifest.exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => posix.join(manifest.name, entry));

beforeAll(async () => {
  const { devDependencies } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    devDependencies: Record<'zod' | '@types/node' | '@opentelemetry/api', string>;
  };
  const { zod, '@types/node': node, '@opentelemetry/api': api } = devDependencies;
  consumer = await installPacked({ zod, '@types/node': node, '@opentelemetry/api': api });
  const names = consumer.packages.flatMap(entries);
  await consumer.write('tsconfig.json', JSON.stringify(TSCONFIG));
  await consumer.write('program.ts', programOfReadme().program);
  for (const [i, example] of (await examplesOfPackages()).entries()) await consumer.write(`example-${i}.ts`, example);
  for (const { name, program } of guidePrograms) await consumer.write(`guide-${name}.ts`, program);
  await consumer.write('every-entry.ts', names.map((name, i) => `export * as entry${i} from '${name}';\n`).join(''));
}, 180_000);
afterAll(() => consumer?.[Symbol.asyncDispose]());

describe('the packed packages', () => {
  it("compile and run the README's program, which prints what it says, and compile their own READMEs", async () => {
    await consumer.tsc();
    const { stdout, stderr } = await consumer.node('out/program.js');
    expect(stdout.trim().split('\n').at(-1)).toBe(programOfReadme().prints);
    expect(stderr).toBe('');
  });

  it.each(guidePrograms)(
    'run the program $name of a guide, which prints what the guide says',
    async ({ name, prints }) => {
      const { stdout } = await consumer.node(`out/guide-${name}.js`);
      expect(stdout).toBe(prints);
    },
  );

  it('do what the tutorial says when all that it says is typed, in an empty folder', async () => {
    const { files, commands } = await readTutorial();
    for (const [name, text] of files) await consumer.write(name, text);
    expect(await typed('node greeter.mjs', consumer.folder)).toBe(
      guidePrograms.find(({ name }) => name === 'tutorial')!.prints,
    );
    const controller = spawn(process.execPath, ['controller.mjs'], { cwd: consumer.folder, stdio: 'inherit' });
    try {
      await expect
        .poll(() => typed('node greet.mjs get gr', consumer.folder), { timeout: 60_000 })
        .toMatch(/^No resources/);
      for (const [command, prints] of commands) {
        expect(ageless(await typed(command, consumer.folder)), command).toBe(ageless(prints));
      }
      expect(commands.length).toBeGreaterThan(8);
    } finally {
      controller.kill('SIGINT');
      await once(controller, 'exit');
    }
    expect(controller.exitCode).toBe(0);
  });

  it('do what the tutorial says of etcd: the objects outlive the controller, which mends what it missed', async () => {
    const { files, etcdCommands, change } = await readTutorial();
    await using etcd = await startEtcd();
    const here = (text: string): string => text.replaceAll('127.0.0.1:2379', new URL(etcd.endpoints[0]!).host);
    let program = Object.fromEntries(files)['controller.mjs']!;
    for (const [before, after] of change) {
      expect(program).toContain(before);
      program = program.replace(before, after);
    }
    for (const [name, text] of files) await consumer.write(name, text);
    await consumer.write('controller.mjs', here(program));
    const greeting = (): Promise<string> => typed('cat greetings/first', consumer.folder);
    const start = (): ChildProcess =>
      spawn(process.execPath, ['controller.mjs'], { cwd: consumer.folder, stdio: 'inherit' });
    let controller = start();
    try {
      for (const [command, prints] of etcdCommands) {
        if (command.startsWith('cat')) await expect.poll(greeting, { timeout: 60_000 }).toBe(prints);
        if (command.startsWith('pkill')) {
          controller.kill('SIGKILL');
          await once(controller, 'exit');
        }
        // By its pid: this machine may run others of that name.
        const typeable = here(command).replace('pkill -9 -f controller.mjs; ', '');
        expect(ageless(await typed(typeable, consumer.folder)), command).toBe(ageless(prints));
      }
      controller = start();
      await expect.poll(greeting, { timeout: 60_000 }).toBe('hello, world\n');
    } finally {
      controller.kill('SIGINT');
      await once(controller, 'exit');
    }
    expect(controller.exitCode).toBe(0);
    expect([etcdCommands.length, change.length]).toEqual([4, 3]);
  });

  it('I-182: can be required from CommonJS, silently, and give the same names as an import', async () => {
    for (const name of consumer.packages.flatMap(entries)) {
      await consumer.write('required.cjs', `console.log(Object.keys(require('${name}')).sort().join());`);
      await consumer.write('imported.mjs', `console.log(Object.keys(await import('${name}')).sort().join());`);
      const required = await consumer.node('required.cjs');
      expect(required.stderr, name).toBe('');
      expect(required.stdout.trim().length, name).toBeGreaterThan(0);
      expect(names(required.stdout), name).toEqual(names((await consumer.node('imported.mjs')).stdout));
    }
  });

  it('hold their build, a README and a manifest, and nothing else', () => {
    for (const { manifest, files } of consumer.packages) {
      const expected = /^(package\.json|README\.md|LICENSE|dist\/[\w/-]+\.(js|js\.map|d\.ts))$/;
      expect(files.filter((path) => !expected.test(path) || path.includes('.test.'))).toEqual([]);
      expect(files, manifest.name).toContain('README.md');
      expect(files, manifest.name).toContain('dist/index.js');
    }
  });

  it.each(PACKAGES)(
    '%s: the public API is what docs/api says (accept a change with: npm run api -- --accept)',
    async (folder) => {
      expect(apiReport(folder)).toBe(await readFile(reportFile(folder), 'utf8'));
    },
  );

  it('bring only the dependencies that were agreed on, and no install scripts', () => {
    for (const { manifest } of consumer.packages) {
      const { dependencies = {}, peerDependencies = {}, bundleDependencies, optionalDependencies, scripts } = manifest;
      expect(Object.keys(dependencies).sort()).toEqual(DEPENDENCIES[manifest.name]!.dependencies);
      expect(Object.keys(peerDependencies).sort()).toEqual(DEPENDENCIES[manifest.name]!.peers);
      expect({ bundleDependencies, optionalDependencies, scripts }).toEqual({});
    }
  });

  it('import only what they declare, in code and in declarations', async () => {
    for (const { manifest, files } of consumer.packages) {
      const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      for (const path of files.filter((file) => /\.(js|d\.ts)$/.test(file))) {
        const text = await consumer.read(`node_modules/${manifest.name}/${path}`);
        const foreign = importsOf(tokenize(text))
          .map(({ specifier }) => specifier)
          .filter((specifier) => !/^(\.|node:)/.test(specifier))
          .filter((specifier) => !declared.some((name) => specifier === name || specifier.startsWith(`${name}/`)));
        expect(foreign, path).toEqual([]);
      }
    }
  });

  it('setpoint alone brings no gRPC', async () => {
    const lock = JSON.parse(await consumer.read('package-lock.json')) as {
      packages: Record<string, { dependencies?: Record<string, string> }>;
    };
    const reached = new Set(['setpoint']);
    for (const name of reached) {
      for (const next of Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {})) reached.add(next);
    }
    expect([...reached].filter((name) => name.includes('grpc') || name === 'etcd3')).toEqual([]);
    expect(reached.size).toBeGreaterThan(4);
  });
});

/** Node 23 and newer also give a CommonJS caller the module itself under this name. */
const names = (text: string): string[] =>
  text
    .trim()
    .split(',')
    .filter((name) => name !== 'module.exports' && name !== '__esModule');
