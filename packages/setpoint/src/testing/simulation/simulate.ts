import { SetpointError } from '../../errors/index.ts';
import { Campaign, type SimulationReport } from './campaign.ts';
import type { ExploreOptions } from './explore-options.ts';
import { parseFaults } from './fault.ts';
import type { SimulatedFailure } from './report.ts';

/**
 * Runs a subject under faults until something breaks or the budget is used up. Rejects with `SimulationFailed`: what
 * broke, the faults, a timeline and how to replay it; also when no fault struck anything, or the budget ended before
 * every single fault was tried, because a search that looked at nothing proves nothing.
 *
 * It takes up to its `budget`, 20 s unless told otherwise: give the test more than the five seconds of most runners.
 *
 * With SETPOINT_SEED set to what an earlier failure printed, only that schedule runs.
 *
 * ```ts
 * test('websites survive everything', { timeout: 60_000 }, () =>
 *   simulate({
 *     controllers: () => [websites, servers],
 *     async scenario(user) {
 *       await user.create(Website, { name: 'a', spec: { replicas: 3 } });
 *       await user.modify(Website, 'a', () => ({ spec: { replicas: 1 } }));
 *     },
 *     matches: (state) => state.list(Server).length === state.get(Website, 'a')?.spec.replicas,
 *     always: [atMost(Server, 4)],
 *   }));
 * ```
 */
export async function simulate(options: ExploreOptions): Promise<SimulationReport> {
  const seed = process.env['SETPOINT_SEED'];
  const campaign = new Campaign(options);
  const start = `v1.${campaign.name}:`;
  if (seed?.startsWith(start)) {
    const failure = await campaign.replay(parseFaults(seed.slice(start.length)));
    if (failure) throw failed(failure);
    return await new Campaign({ ...options, budget: { schedules: 0 } }).explore();
  }
  const report = await campaign.explore();
  const [failure] = report.failures;
  if (failure) throw failed(failure);
  refuseVacuous(report);
  return report;
}

/** As {@link simulate}, for long runs: collects failures in its report instead of rejecting. */
export async function explore(options: ExploreOptions): Promise<SimulationReport> {
  return new Campaign(options).explore();
}

/** Runs one schedule, by the seed that a failure printed; undefined when it passes. Throws `Invalid` for another's. */
export function replay(seed: string, options: ExploreOptions): Promise<SimulatedFailure | undefined> {
  const campaign = new Campaign(options);
  const start = `v1.${campaign.name}:`;
  if (seed.startsWith(start)) return campaign.replay(parseFaults(seed.slice(start.length)));
  throw new SetpointError(
    'Invalid',
    `the seed '${seed}' is not one of '${campaign.name}': it would begin with ${start}`,
  );
}

function refuseVacuous({ name, depth1, faultsStruck, schedules }: SimulationReport): void {
  if (depth1.run < depth1.total) {
    throw new SetpointError(
      'SimulationFailed',
      `${name}: the budget ended after ${schedules} schedules, and ${depth1.total} single faults were to be tried. ` +
        'Nothing broke so far, but that is not the whole of depth 1: raise budget.schedules or budget.ms',
    );
  }
  if (faultsStruck > 0) return;
  throw new SetpointError(
    'SimulationFailed',
    `${name}: no fault struck anything, so nothing was shown. Does the scenario do anything, and is faults empty?`,
  );
}

function failed(failure: SimulatedFailure): SetpointError {
  return new SetpointError('SimulationFailed', failure.text);
}
