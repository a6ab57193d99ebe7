import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.cache', 'documents');

/** A user's settings, on the built packages; what a block declares it need not use. */
const TSCONFIG = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    composite: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
  },
  include: ['*.ts', '*.mts'],
};

interface Block {
  readonly file: string;
  /** Of its first line, counted from 1. */
  readonly line: number;
  readonly text: string;
}

function blocksOf(path: string): Block[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/(?:^<!-- file: ([\w-]+)\.mjs -->\s*)?^```ts\n([^]*?)^```/gm)].map((found) => {
    const [whole, name, block = ''] = found;
    const line = text.slice(0, found.index + whole.indexOf('```ts')).split('\n').length + 1;
    // A file that others import by its name.
    return { file: name ? `${name}.mts` : `${path.replaceAll('/', '--')}.${line}.ts`, line, text: block };
  });
}

/**
 * At the lines where it stands in the document, so that the compiler names the right one. A block without imports may be
 * a part of a function.
 */
function asModule({ line, text }: Block): string {
  const whole = /^import /m.test(text);
  const begin = '\n'.repeat(line - 2);
  return whole ? `${begin}\n${text.replace(/^#!.*/, '')}` : `${begin}export const part = async () => {\n${text}};\n`;
}

function compile(): Promise<string> {
  return new Promise((resolve) => {
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }, (error, stdout) =>
      resolve(error ? stdout : ''),
    );
  });
}

it('every ts block of the documents compiles', async () => {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  const blocks = listed.trim().split('\n').flatMap(blocksOf);
  expect(blocks.length).toBeGreaterThan(30);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(fileURLToPath(new URL('documents', import.meta.url)), folder, { recursive: true });
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  for (const block of blocks) writeFileSync(join(folder, block.file), asModule(block));
  expect(await compile()).toBe('');
});
