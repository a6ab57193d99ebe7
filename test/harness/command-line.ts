/**
 * What may follow `npm run … --` and `npm run bench -- …`. A program declares its options once, and gets their values:
 *
 *     const { cycles, json } = commandLine({
 *       run: 'npm run torture --',
 *       about: 'Makes the faults of the catalogue happen to real etcds, again and again.',
 *       options: { cycles: whole('how often each', { default: 1, min: 1 }), json: jsonFile('the outcomes') },
 *     });
 *
 * `--help` prints all of that and ends the process with exit code 0. A mistake is told in one line and ends it with exit
 * code 2. Both come before the program has started anything.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { nearestName } from 'setpoint/resource';

/** One option of a program: what it takes, what it means, and what holds without it. */
export interface Option<T> {
  readonly about: string;
  /** What stands for its value in the usage, such as `N`. Undefined: it is a flag, and takes none. */
  readonly takes: string | undefined;
  /** What its value has to be, for who gave something else. */
  readonly expected: string;
  /** Its value when it isn't given. */
  readonly initial: T;
  /** The value that the text stands for. Undefined: none. */
  read(text: string): NonNullable<T> | undefined;
}

export interface Program<Values extends object> {
  /** How it is called, such as `npm run torture --`. */
  readonly run: string;
  /** What it does, and when it fails; may have several lines. */
  readonly about: string;
  readonly options: { readonly [Name in keyof Values]: Option<Values[Name]> };
}

/** What came of reading: values, or a text to print instead of running. A mistake is one line. */
export type Reading<Values> = { readonly values: Values } | { readonly help: string } | { readonly mistake: string };

/** The values of this process's options. Doesn't return when there is something to print instead. */
export function commandLine<Values extends object>(program: Program<Values>): Values {
  const reading = readCommandLine(program, process.argv.slice(2));
  if ('values' in reading) return reading.values;
  if ('mistake' in reading) return end(reading.mistake);
  console.log(reading.help);
  process.exit(0);
}

/** Ends the process as a value that isn't one does: for what an option alone can't tell. */
export function refuse(option: string, expected: string, given: string): never {
  return end(mistakeOf(`--${option}`, `expected ${expected}, got "${given}"`));
}

function end(line: string): never {
  console.error(line);
  process.exit(2);
}

/** As {@link commandLine}, of any words. */
export function readCommandLine<Values extends object>(
  { run, about, options }: Program<Values>,
  words: readonly string[],
): Reading<Values> {
  const known = new Map(Object.entries<Option<unknown>>(options));
  const values = new Map([...known].map(([name, { initial }]) => [name, initial]));
  const tokens = tokensOf(known, words);
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) {
    return { help: [`${run} [options]`, '', about, '', ...usageLines(known)].join('\n') };
  }
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') return { mistake: mistakeOf(`"${token.value}"`, 'expected options alone') };
    const option = known.get(token.name);
    if (!option) {
      const expected = alternativesTo(token.name, [...known.keys()]);
      return { mistake: mistakeOf(token.rawName, `there is no such option, expected ${expected}`) };
    }
    // What follows may be the next option, because somebody forgot the value.
    const given = !token.inlineValue && token.value?.startsWith('--') ? undefined : token.value;
    const isFlag = option.takes === undefined;
    const value = given === undefined ? isFlag || undefined : isFlag ? undefined : option.read(given);
    if (value === undefined) {
      const got = given === undefined ? 'nothing' : `"${given}"`;
      return { mistake: mistakeOf(token.rawName, `expected ${option.expected}, got ${got}`) };
    }
    values.set(token.name, value);
  }
  return { values: Object.fromEntries(values) as Values };
}

function tokensOf(known: ReadonlyMap<string, Option<unknown>>, words: readonly string[]) {
  const types = [...known].map(([name, { takes }]) => {
    return [name, { type: takes === undefined ? ('boolean' as const) : ('string' as const) }] as const;
  });
  const options = { ...Object.fromEntries(types), help: { type: 'boolean' as const, short: 'h' } };
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

const mistakeOf = (what: string, problem: string): string => `${what}: ${problem}; see --help`;

function alternativesTo(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `one of ${known.map((each) => `--${each}`).join(', ')}` : `--${nearest}`;
}

function usageLines(known: ReadonlyMap<string, Option<unknown>>): string[] {
  const rows = [...known].map(([name, { takes, about, initial }]) => {
    const isPlain = typeof initial === 'number' || (typeof initial === 'string' && initial !== '');
    const text = Array.isArray(initial) ? initial.join() : isPlain ? String(initial) : undefined;
    return [takes === undefined ? `--${name}` : `--${name} ${takes}`, text ? `${about} (default ${text})` : about];
  });
  rows.push(['--help', 'prints this']);
  const width = Math.max(...rows.map(([left]) => left!.length)) + 2;
  return rows.map(([left, right]) => `  ${left!.padEnd(width)}${right}`);
}

/** Longer ones would push all that the options are about to the right. */
const TAKES_MAX = 24;

/** A whole number; `takes`: what it is called in the usage. */
export function whole<Default extends number | undefined = undefined>(
  about: string,
  bounds: { readonly default?: Default; readonly min?: number; readonly max?: number; readonly takes?: string } = {},
): Option<number | Default> {
  const option = decimal(about, bounds);
  const read = (text: string): number | undefined => {
    const number = option.read(text);
    return Number.isSafeInteger(number) ? number : undefined;
  };
  return { ...option, expected: option.expected.replace('a number', 'a whole number'), read };
}

/** A number, maybe with a fraction. At least 0 unless `min` says something else. */
export function decimal<Default extends number | undefined = undefined>(
  about: string,
  bounds: { readonly default?: Default; readonly min?: number; readonly max?: number; readonly takes?: string } = {},
): Option<number | Default> {
  const { min = 0, max = Infinity, takes = 'N' } = bounds;
  const expected = `a number ${max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`}`;
  const read = (text: string): number | undefined => {
    const number = /^[+-]?[\d.]+(e\d+)?$/i.test(text) ? Number(text) : NaN;
    return number >= min && number <= max ? number : undefined;
  };
  return { about, takes, expected, initial: bounds.default as Default, read };
}

/** Where random choices begin: the same seed makes the same ones. */
export const seedOf = (initial: number, about = 'where random choices begin'): Option<number> =>
  whole(about, { default: initial, max: 2 ** 32 - 1, takes: 'S' });

/** One of some words; many of them are told with what it is about. */
export function oneOf<const Word extends string>(words: readonly Word[], about: string): Option<Word | undefined>;
export function oneOf<const Word extends string>(words: readonly Word[], about: string, initial: Word): Option<Word>;
export function oneOf<Word extends string>(words: readonly Word[], about: string, initial?: Word) {
  const all = words.join('|');
  const read = (given: string): Word | undefined => words.find((word) => word === given);
  const told = all.length > TAKES_MAX ? { takes: 'NAME', about: `${about}: ${all}` } : { takes: all, about };
  return { ...told, expected: `one of ${all}`, initial, read };
}

/** Several, with commas between them. */
export function list<Item>(one: Option<Item | undefined>, initial: readonly Item[]): Option<readonly Item[]> {
  const read = (text: string): Item[] | undefined => {
    const items = text.split(',').map((part) => one.read(part));
    return items.every((item) => item !== undefined) ? items : undefined;
  };
  return {
    about: one.about,
    takes: `${one.takes},…`,
    expected: `${one.expected}; or several, with commas`,
    initial,
    read,
  };
}

/** Any text; `takes`: what stands for it in the usage. */
export const text = (takes: string, about: string): Option<string | undefined> => ({
  about,
  takes,
  expected: takes,
  initial: undefined,
  read: (given) => given || undefined,
});

export const flag = (about: string): Option<boolean> => ({
  about,
  takes: undefined,
  expected: 'no value',
  initial: false,
  read: () => undefined,
});

/** A file to be written at the end. Its folder has to be there from the start: hours may lie between. */
export const outputFile = (about: string): Option<string | undefined> => ({
  about,
  takes: 'FILE',
  expected: 'a file in a folder that is there',
  initial: undefined,
  read: (path) => (path !== '' && existsSync(dirname(path)) ? path : undefined),
});

/** Writes what a program found, if it was asked to. */
export function writeJson(file: string | undefined, found: unknown): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`);
}
