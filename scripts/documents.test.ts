import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)));

/** The files and folders that a document names: by a relative link, or as `packages/…` in code marks. */
function namedIn(path: string): { written: string; target: string }[] {
  const prose = readFileSync(join(root, path), 'utf8').replaceAll(/^```.*?^```/gms, '');
  const links = Array.from(prose.matchAll(/\]\((?!\w+:|#)([^)\s#]+)/g), ([, link = '']) => ({
    written: link,
    target: join(root, dirname(path), link),
  }));
  const paths = Array.from(
    prose.matchAll(/`((?:packages|examples|scripts|test|docs|bench)\/[\w./-]+)`/g),
    ([, name = '']) => ({
      written: name,
      target: join(root, name),
    }),
  );
  return [...links, ...paths];
}

it('the documents name only files that are there', () => {
  const missing = documents.flatMap((path) =>
    namedIn(path)
      .filter(({ target }) => !existsSync(target))
      .map(({ written }) => `${path}: ${written}`),
  );
  expect(documents).toContain('CONTRIBUTING.md');
  expect(missing).toEqual([]);
});

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  const prose = readFileSync(path, 'utf8').replaceAll(/^```.*?^```/gms, '');
  return Array.from(prose.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it('links into a document lead to headings that it has', () => {
  const wrong = documents.flatMap((path) => {
    const prose = readFileSync(join(root, path), 'utf8').replaceAll(/^```.*?^```/gms, '');
    return Array.from(prose.matchAll(/\]\((?!\w+:)([^)\s#]*)#([^)\s]+)\)/g)).flatMap(
      ([written, file = '', anchor = '']) => {
        const target = file === '' ? join(root, path) : join(root, dirname(path), file);
        return target.endsWith('.md') && !anchorsOf(target).includes(anchor) ? [`${path}: ${written}`] : [];
      },
    );
  });
  expect(wrong).toEqual([]);
});

it('docs/troubleshooting.md knows every error code, and no other', () => {
  const codes = (path: string, row: RegExp): string[] => {
    const rows = readFileSync(join(root, path), 'utf8').match(row) ?? [];
    return rows.flatMap((line) => line.match(/(?<=`)[A-Z][A-Za-z]+(?=`)/g) ?? []).sort();
  };
  const all = codes('docs/errors.md', /^\| `[A-Z]\w+` /gm);
  expect(all.length).toBeGreaterThan(30);
  expect(codes('docs/troubleshooting.md', /^\| `[A-Z].*?\|/gm)).toEqual(all);
});
