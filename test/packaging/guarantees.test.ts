import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The sources of all tests of this checkout. */
function testSources(): string {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], { cwd: root });
  const files = listed.toString().split('\n');
  const tests = files.filter((file) => file.endsWith('.test.ts') || file.startsWith('test/conformance/'));
  return tests.map((file) => readFileSync(`${root}/${file}`, 'utf8')).join('\n');
}

/** Every number that the name of a test starts with or lists, such as `I-57, I-58: …`. */
function heldStatements(): Set<string> {
  const names = testSources().matchAll(/['"`]((?:[IF]-\d+[, ]*(?:and )?)+):/g);
  return new Set([...names].flatMap(([, numbers]) => numbers!.match(/[IF]-\d+/g) ?? []));
}

it('has a test for every statement of docs/guarantees.md', () => {
  const page = readFileSync(`${root}/docs/guarantees.md`, 'utf8');
  const promised = [...page.matchAll(/^\| (I-\d+) \|/gm)].map(([, number]) => number!);
  const held = heldStatements();
  expect(promised.length).toBeGreaterThan(80);
  expect(promised.filter((number) => !held.has(number))).toEqual([]);
});

it('F-118: names for each topic of security a file with tests of it', () => {
  const page = readFileSync(`${root}/docs/guarantees.md`, 'utf8');
  const [, section = ''] = /\n## Security\n(.*?)\n## /s.exec(page) ?? [];
  const rows = section.split('\n').filter((line) => /^\| (?!topic|---)/.test(line));
  expect(rows.length).toBeGreaterThan(6);
  for (const row of rows) {
    const files = [...row.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file!);
    expect(files.length, row).toBeGreaterThan(0);
    for (const file of files) expect(readFileSync(`${root}/${file}`, 'utf8'), row).toMatch(/\b(?:it|describe)\b/);
  }
});
