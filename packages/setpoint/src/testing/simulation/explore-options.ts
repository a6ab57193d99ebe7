import { SetpointError } from '../../errors/index.ts';
import { checkOptionNames, kindOf, nearestName } from '../../resource/index.ts';
import type { Draining } from './drain.ts';
import { FAULT_KINDS, type FaultKind } from './fault.ts';
import type { Law } from './law.ts';
import type { Judgement, SimulationSubject } from './world-options.ts';

export interface ExploreOptions extends SimulationSubject, Judgement {
  /**
   * Which faults. Default `all`: those that can happen to setpoint's own informers, which is all but `travel`, because
   * their lists are linearizable. `FAULT_KINDS` is really all.
   */
  readonly faults?: 'all' | readonly FaultKind[];
  /**
   * 1: every single fault. 2 (default): then pairs and triples, drawn at random and led by what is new. `deeper`: these
   * alone, for a further search with another seed.
   */
  readonly depth?: 1 | 2 | 'deeper';
  /** What the search may use: schedules, default 2,000, and real milliseconds, default 20,000. */
  readonly budget?: { readonly schedules?: number; readonly ms?: number };
  /** Where the random part begins. Default 1. */
  readonly seed?: number;
  /** How promise jobs are run. Default: the fastest way that this Node has. */
  readonly draining?: Draining;
  /** How many different failures to collect before the search ends. Default 1. */
  readonly failuresMax?: number;
  /** One in so many passing schedules runs a second time, which must be the same. Default 100. */
  readonly doubleEvery?: number;
  /** Called between schedules, many times a second, with how far the search has come. */
  readonly onProgress?: (progress: SimulationProgress) => void;
}

/** How far a search has come. */
export interface SimulationProgress {
  readonly schedules: number;
  /** The different failures so far. */
  readonly failures: number;
}

const OPTIONS: readonly string[] = [
  'name',
  'controllers',
  'resources',
  'manager',
  'replicas',
  'scenario',
  'matches',
  'always',
  'eventually',
  'externals',
  'prefix',
  'sameEnd',
  'noExtraCreates',
  'onceOutside',
  'quietRestart',
  'writes',
  'noHiddenTimers',
  'declared',
  'fenced',
  'faults',
  'depth',
  'budget',
  'seed',
  'draining',
  'failuresMax',
  'doubleEvery',
  'onProgress',
] satisfies (keyof ExploreOptions)[];

/**
 * Refuses with `Invalid` what would make a search look at less than was meant: a law under a misspelt name, or a fault
 * that there is not, is one that nothing is tried against.
 */
export function checkExploreOptions(options: ExploreOptions): void {
  checkOptionNames('simulate', options, OPTIONS);
  const scenario: unknown = Reflect.get(options, 'scenario');
  const { controllers, matches, always, eventually, faults = 'all', depth = 2, budget = {} } = options;
  if (typeof controllers !== 'function' && !Array.isArray(controllers)) {
    throw invalid('controllers', 'a function that makes a list of controllers, or such a list', kindOf(controllers));
  }
  if (typeof scenario !== 'function') throw invalid('scenario', 'a function of the user', kindOf(scenario));
  if (matches !== undefined && typeof matches !== 'function') {
    throw invalid('matches', 'a function of the state', kindOf(matches));
  }
  checkLaws('always', always);
  checkLaws('eventually', eventually);
  checkFaults(faults);
  if (![1, 2, 'deeper'].includes(depth)) throw invalid('depth', "1, 2 or 'deeper'", String(depth));
  checkOptionNames('simulate: budget', budget, ['schedules', 'ms']);
  for (const [name, limit] of Object.entries(budget)) {
    if (!(typeof limit === 'number' && limit >= 0)) throw invalid(`budget.${name}`, 'a number', kindOf(limit));
  }
}

function checkLaws(name: string, laws: readonly Law[] | undefined): void {
  if (laws === undefined) return;
  if (!Array.isArray(laws)) throw invalid(name, 'a list of laws, made by law(name, check)', kindOf(laws));
  for (const [index, each] of laws.entries() as Iterable<[number, Partial<Law> | undefined]>) {
    if (typeof each?.check === 'function') continue;
    throw invalid(`${name}[${index}]`, 'a law, made by law(name, check)', kindOf(each));
  }
}

function checkFaults(faults: unknown): void {
  if (faults === 'all') return;
  if (!Array.isArray(faults)) throw invalid('faults', "'all' or a list of FAULT_KINDS", kindOf(faults));
  const wrong = faults.find((kind: unknown) => !(FAULT_KINDS as readonly unknown[]).includes(kind));
  if (wrong === undefined) return;
  const nearest = nearestName(String(wrong), FAULT_KINDS);
  const hint = nearest === undefined ? `, of ${FAULT_KINDS.join(', ')}` : `; did you mean '${nearest}'?`;
  throw invalid('faults', 'kinds of faults', `'${String(wrong)}'${hint}`);
}

function invalid(option: string, expected: string, got: string): SetpointError {
  return new SetpointError('Invalid', `simulate: ${option} must be ${expected}; got ${got}`);
}
