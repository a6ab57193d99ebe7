import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly exports: Record<string, unknown>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly bundleDependencies?: unknown;
  readonly optionalDependencies?: unknown;
  readonly scripts?: unknown;
}

/** A package as a user gets it. */
export interface PackedPackage {
  readonly manifest: Manifest;
  /** What the tarball holds, paths from the package's root. */
  readonly files: readonly string[];
}

/** A folder in which nothing of this tree can be found, with all packages installed from their tarballs. */
export interface Consumer extends AsyncDisposable {
  readonly folder: string;
  readonly packages: readonly PackedPackage[];
  /** Text of a file below `folder`. */
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Runs node with these arguments in the folder. Rejects with everything it said when it fails. */
  node(...args: string[]): Promise<{ stdout: string; stderr: string }>;
  /** The compiler of this tree on the folder's tsconfig.json. */
  tsc(): Promise<unknown>;
}

/** Builds, packs and installs. Removes the folder on dispose, and when this process ends before. */
export async function installPacked(others: Record<string, string>): Promise<Consumer> {
  await runTold(process.execPath, [bin('typescript/bin/tsc'), '-b', 'packages/cli'], root);
  await Promise.all(['packages/setpoint', 'packages/etcd', 'packages/cli'].map(removeLeftOvers));
  const folder = await mkdtemp(join(process.env.SETPOINT_OUTSIDE ?? tmpdir(), 'setpoint-consumer-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { stdout } = await runTold(
    'npm',
    ['pack', '--json', '--pack-destination', folder, '-w', 'setpoint', '-w', '@setpoint/etcd', '-w', '@setpoint/cli'],
    root,
  );
  const packed = JSON.parse(stdout) as { name: string; filename: string; files: { path: string }[] }[];
  const tarballs = packed.map(({ name, filename }) => [name, `file:${filename}`]);
  const manifest = { private: true, type: 'module', dependencies: { ...Object.fromEntries(tarballs), ...others } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await runTold('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
  const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
  return {
    folder,
    packages: await Promise.all(
      packed.map(async ({ name, files }) => ({
        manifest: JSON.parse(await read(`node_modules/${name}/package.json`)) as Manifest,
        files: files.map(({ path }) => path),
      })),
    ),
    read,
    write: (path, text) => writeFile(join(folder, path), text),
    node: (...args) => runTold(process.execPath, args, folder),
    tsc: () => runTold(process.execPath, [bin('typescript/bin/tsc'), '-p', '.'], folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The compiler never removes what it made of a source that is gone, and npm would pack it. */
async function removeLeftOvers(path: string): Promise<void> {
  const made = await readdir(join(root, path, 'dist'), { recursive: true });
  const sourceOf = (file: string): string => join(root, path, 'src', file.replace(/(\.d)?\.(ts|js)(\.map)?$/, '.ts'));
  const leftOver = made.filter((file) => /\.(ts|js|map)$/.test(file) && !existsSync(sourceOf(file)));
  await Promise.all(leftOver.map((file) => rm(join(root, path, 'dist', file))));
}

const bin = (path: string): string => join(root, 'node_modules', path);

async function runTold(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await run(program, args, { cwd, maxBuffer: 64 << 20, timeout: 120_000 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
