import { type Fault, isOmission, omission } from './fault.ts';
import { singleFaults } from './fault-space.ts';
import type { Reference } from './schedule-result.ts';
import type { Violation } from './world-options.ts';

/** What making a failure small may use: more runs than that, or more real milliseconds, nobody would wait for. */
const RUNS_MAX = 80;
const MS_MAX = 500;
/** How many places are tried for a fault in a scenario that lacks a step: its old one is another call there. */
const PLACES_MAX = 12;

/** Where faults are tried out. */
export interface ShrinkingLab {
  /** How many steps the whole scenario has. */
  readonly steps: number;
  readonly now: () => number;
  /** What a schedule breaks, if anything. */
  breaks(faults: readonly Fault[]): Promise<Violation['oracle'] | undefined>;
  /** The run without faults of a scenario that lacks these steps; undefined where that fails already. */
  referTo(omissions: readonly Fault[]): Promise<Reference | undefined>;
}

/**
 * The smallest schedule found that breaks what `faults` breaks: first with fewer faults, then with fewer steps of the
 * user. Every schedule on the way failed by itself, so that it is right to stop at any time.
 */
export async function shrink(
  faults: readonly Fault[],
  oracle: Violation['oracle'],
  lab: ShrinkingLab,
): Promise<readonly Fault[]> {
  const until = lab.now() + MS_MAX;
  let runs = 0;
  const isSpent = (): boolean => runs >= RUNS_MAX || lab.now() >= until;
  const alike = async (candidate: readonly Fault[]): Promise<boolean> => {
    runs++;
    return (await lab.breaks(candidate)) === oracle;
  };
  let smallest = faults;
  for (let at = faults.length - 1; at >= 0 && smallest.length > 1; at--) {
    const fewer = smallest.filter((each) => each !== faults[at]);
    if (await alike(fewer)) smallest = fewer;
  }
  for (let step = lab.steps; step > 0 && !isSpent(); step--) {
    const omissions = [...smallest.filter(isOmission), omission(step)];
    const reference = await lab.referTo(omissions);
    runs++;
    if (!reference) continue;
    for (const strikes of placesOf(
      smallest.filter((each) => !isOmission(each)),
      reference,
    )) {
      if (isSpent()) break;
      if (!(await alike([...omissions, ...strikes]))) continue;
      smallest = [...omissions, ...strikes];
      break;
    }
  }
  return smallest;
}

/** Where the faults may strike in a shorter run: as they are, and, where it is one, at the other points for its kind. */
function* placesOf(faults: readonly Fault[], reference: Reference): Generator<readonly Fault[]> {
  yield faults;
  const [fault, more] = faults;
  if (!fault || more) return;
  const others = singleFaults(reference, new Set([fault.kind])).filter(({ at }) => at !== fault.at);
  for (const other of others.slice(-PLACES_MAX)) yield [other];
}
