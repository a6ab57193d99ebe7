import { accessSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { explore, type ExploreOptions, FAULT_KINDS, type SimulationReport } from 'setpoint/testing';
import type * as Arena from './mutants/arena.ts';
import { mutated, type Mutant } from './mutants/mutant.ts';
import { heldOut, mutants } from './mutants/mutants.ts';
import type { Seed } from './seed.ts';
import { seeds } from './seeds.ts';

/** A bug and its twin, ready to be run. */
export interface Candidate {
  readonly number: string;
  readonly title: string;
  readonly isHeldOut: boolean;
  readonly run: (buggy: boolean, search: Pick<ExploreOptions, 'budget' | 'seed'>) => Promise<SimulationReport>;
}

register('./mutants/hooks.js', import.meta.url);

const ofSeed = (seed: Seed): Candidate => ({
  number: String(seed.number),
  title: seed.title,
  isHeldOut: false,
  run: (buggy, search) => explore({ faults: FAULT_KINDS, ...seed.subject(buggy), ...search }),
});

const ofMutant = (mutant: Mutant, isHeldOut: boolean): Candidate => {
  const { number, title, subject } = mutant;
  return {
    number: String(number),
    title,
    isHeldOut,
    async run(buggy, search) {
      // The text has to be there: what is imported would otherwise be the twin, and pass for a bug that is missed.
      // A build keeps what has no source any more, so the source has to be there too.
      if (buggy) {
        accessSync(sourceOf(mutant));
        mutated(readFileSync(compiled(mutant), 'utf8'), mutant);
      }
      const arena = (await import(`./mutants/arena.js?${buggy ? 'mutant' : 'twin'}=${number}`)) as typeof Arena;
      return arena.tryOut(subject, search);
    },
  };
};

const sourceOf = ({ file }: Mutant): URL => new URL(`../src/${file}.ts`, import.meta.resolve('setpoint'));
const compiled = ({ file }: Mutant): URL => new URL(`./${file}.js`, import.meta.resolve('setpoint'));

export const candidates: readonly Candidate[] = [
  ...seeds.map(ofSeed),
  ...mutants.map((each) => ofMutant(each, false)),
  ...heldOut.map((each) => ofMutant(each, true)),
];
