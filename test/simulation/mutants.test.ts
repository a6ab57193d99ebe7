import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutated } from './seeds/mutants/mutant.ts';
import { heldOut, mutants } from './seeds/mutants/mutants.ts';

const sources = new URL('../../packages/setpoint/src/', import.meta.url);
const compiled = new URL('../../packages/setpoint/dist/', import.meta.url);

it('has for every mutant of the runtime the text that it changes, once', () => {
  for (const mutant of [...mutants, ...heldOut]) {
    // A build keeps the output of sources that are gone.
    expect(existsSync(new URL(`${mutant.file}.ts`, sources)), mutant.file).toBe(true);
    const source = readFileSync(new URL(`${mutant.file}.js`, compiled), 'utf8');
    expect(mutated(source, mutant), mutant.title).not.toBe(source);
  }
});

it('says so loudly when a text is there no more, or twice', () => {
  const mutant = { number: 1, title: 'off by one', file: 'a', changes: [['x + 1n', 'x + 2n']], subject: 's' } as const;
  expect(mutated('return x + 1n;', mutant)).toBe('return x + 2n;');
  expect(() => mutated('return x + 3n;', mutant)).toThrow(
    /mutant 1 \(off by one\): 'x \+ 1n' is 0 times in a, not once/,
  );
  expect(() => mutated('x + 1n; x + 1n', mutant)).toThrow(/is 2 times/);
});
