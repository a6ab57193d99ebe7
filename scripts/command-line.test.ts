import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  decimal,
  flag,
  list,
  oneOf,
  outputFile,
  readCommandLine,
  seedOf,
  text,
  whole,
} from '../test/harness/command-line.ts';
import { root } from './steps.mjs';

const program = {
  run: 'npm run it --',
  about: 'Does it. Fails when it is not done.',
  options: {
    cycles: whole('how often', { default: 1, min: 1, max: 9 }),
    only: whole('one of them'),
    share: decimal('of all', { default: 0.5, max: 1 }),
    etcd: oneOf(['3.4', '3.5', 'both'], 'which etcd', 'both'),
    ttl: list(decimal('leases', { min: 1, takes: 'S' }), [5, 15]),
    name: text('TEXT', 'what is like it'),
    seed: seedOf(7),
    gate: flag('fails'),
    json: outputFile('writes it'),
  },
};
const read = (...words: string[]) => readCommandLine(program, words);

describe('a command line', () => {
  it('has the values that are declared, and those that are given', () => {
    expect(read()).toEqual({
      values: {
        cycles: 1,
        only: undefined,
        share: 0.5,
        etcd: 'both',
        ttl: [5, 15],
        name: undefined,
        seed: 7,
        gate: false,
        json: undefined,
      },
    });
    const given = '--cycles 9 --only=3 --share .25 --etcd 3.4 --ttl 1,2.5 --name x --seed 0 --gate --json it.json';
    expect(read(...given.split(' '))).toEqual({
      values: {
        cycles: 9,
        only: 3,
        share: 0.25,
        etcd: '3.4',
        ttl: [1, 2.5],
        name: 'x',
        seed: 0,
        gate: true,
        json: 'it.json',
      },
    });
  });

  it('is refused in one line that says which option, what was expected, what was given, and where to look', () => {
    const rest = '; see --help';
    const mistakes: [string, string][] = [
      ['--cycle 2', '--cycle: there is no such option, expected --cycles'],
      ['-x', '-x: there is no such option, expected one of --cycles, --only, '],
      ['--toString 1', '--toString: there is no such option'],
      ['--cycles x', '--cycles: expected a whole number from 1 to 9, got "x"'],
      ['--cycles 0', '--cycles: expected a whole number from 1 to 9, got "0"'],
      ['--cycles 10', '--cycles: expected a whole number from 1 to 9, got "10"'],
      ['--cycles 1.5', '--cycles: expected a whole number from 1 to 9, got "1.5"'],
      ['--cycles=', '--cycles: expected a whole number from 1 to 9, got ""'],
      ['--cycles', '--cycles: expected a whole number from 1 to 9, got nothing'],
      ['--cycles --gate', '--cycles: expected a whole number from 1 to 9, got nothing'],
      ['--only -1', '--only: expected a whole number of at least 0, got "-1"'],
      ['--only 0x10', '--only: expected a whole number of at least 0, got "0x10"'],
      ['--share 1.1', '--share: expected a number from 0 to 1, got "1.1"'],
      ['--etcd 3.6', '--etcd: expected one of 3.4|3.5|both, got "3.6"'],
      ['--ttl 5,0', '--ttl: expected a number of at least 1; or several, with commas, got "5,0"'],
      ['--seed 4294967296', '--seed: expected a whole number from 0 to 4294967295, got "4294967296"'],
      ['--gate=yes', '--gate: expected no value, got "yes"'],
      ['--json nowhere/it.json', '--json: expected a file in a folder that is there, got "nowhere/it.json"'],
      ['often', '"often": expected options alone'],
    ];
    for (const [words, expected] of mistakes) {
      const reading = read(...words.split(' '));
      expect(reading, words).toEqual({ mistake: expect.stringContaining(expected) as string });
      expect('mistake' in reading && reading.mistake, words).toMatch(/^[^\n]*; see --help$/);
      if (!expected.endsWith(' ') && !words.startsWith('--toS')) expect(reading).toEqual({ mistake: expected + rest });
    }
  });

  it('tells every option with its meaning and its default, whatever else is asked', () => {
    expect(read('--cycles', 'x', '--help')).toEqual({
      help: `npm run it -- [options]

Does it. Fails when it is not done.

  --cycles N           how often (default 1)
  --only N             one of them
  --share N            of all (default 0.5)
  --etcd 3.4|3.5|both  which etcd (default both)
  --ttl S,…            leases (default 5,15)
  --name TEXT          what is like it
  --seed S             where random choices begin (default 7)
  --gate               fails
  --json FILE          writes it
  --help               prints this`,
    });
    expect(read('-h')).toHaveProperty('help');
  });

  it('is read before anything starts: help ends with code 0, a mistake with 2', () => {
    const bench = (...words: string[]) =>
      spawnSync(process.execPath, [join(root, 'scripts', 'bench.mjs'), ...words], { encoding: 'utf8' });
    expect(bench('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('\n  queue\n') as string });
    expect(bench('queues')).toMatchObject({ status: 2, stderr: expect.stringMatching(/^queues: .*\n$/) as string });
  });

  it('is declared by every program of tests and benchmarks', () => {
    const files = ['test', 'bench'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    );
    const raw = files.filter((file) => {
      return file.endsWith('.ts') && /\bparseArgs\b/.test(readFileSync(join(root, file), 'utf8'));
    });
    expect(raw).toEqual(['test/harness/command-line.ts']);
  });
});
