import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Option } from '../harness/command-line.ts';
import type { Row } from './row.ts';

/**
 * All rows, in the order of the catalogue: what the files beside this one export as `rows`, if their names end with
 * `-rows`. A number may have several rows, where its fault concerns several parts.
 */
export async function allRows(): Promise<readonly Row[]> {
  const files = readdirSync(fileURLToPath(new URL('.', import.meta.url))).filter((name) => /-rows\.[jt]s$/.test(name));
  const modules = await Promise.all(
    files.sort().map((name) => import(new URL(name, import.meta.url).href) as Promise<{ rows: readonly Row[] }>),
  );
  return modules.flatMap(({ rows }) => rows).sort((a, b) => numberOf(a.id) - numberOf(b.id));
}

/** The number of `F-22`. */
export function numberOf(id: string): number {
  return Number(id.slice(2));
}

/** The option that chooses rows. */
export const rowsOption: Option<ReadonlySet<number> | undefined> = {
  about: 'which rows of the catalogue; also F-22,F-23,F-58..F-60 (default: all there are)',
  takes: 'F-1..F-67',
  expected: 'rows such as F-1..F-67 or F-22,F-23',
  initial: undefined,
  read: numbersOf,
};

/** Whether the row is about one of these numbers. */
export function isAbout({ id, last = id }: Row, numbers: ReadonlySet<number>): boolean {
  return [...numbers].some((number) => number >= numberOf(id) && number <= numberOf(last));
}

/** The numbers that a text such as `F-1..F-67` or `F-22,F-23` names; undefined when it names none. */
function numbersOf(text: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to = from] = /^\s*F-(\d+)(?:\.\.F-(\d+))?\s*$/.exec(part) ?? [];
    if (from === undefined || Number(to) < Number(from)) return undefined;
    for (let number = Number(from); number <= Number(to); number++) numbers.add(number);
  }
  return numbers;
}
