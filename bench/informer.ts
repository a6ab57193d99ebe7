/**
 * How fast is an informer, how much memory does it take, and beside whom? A list of 10k, 100k and 1M objects of 1 KiB and
 * then updates of them, with one handler and with ten, and an index; beside the ListWatch cache of
 * `@kubernetes/client-node`, in one run.
 *
 * Each measurement has a process of its own, and a server in another: one that speaks as much of etcd's gRPC, and one
 * that speaks as much of the Kubernetes API, as is needed, and that copies what it sends out of a template. Their CPU is
 * not counted. `setpoint` parses JSON as client-node does; `resource` checks objects as a kind's cache does; `unread`
 * leaves values as text. `--help` tells the options.
 */
import { commandLine, flag, oneOf, refuse, whole } from '../test/harness/command-line.ts';
import { type InformerMeasurement, reportInformers, withRound } from './informer/informer-report.ts';
import { runTask } from './informer/run-task.ts';
import type { ContestantName } from './informer/task.ts';
import { reporting } from './report.ts';

const contestants: readonly ContestantName[] = ['setpoint', 'setpoint, resource', 'setpoint, unread', 'client-node'];
const options = commandLine({
  run: 'npm run bench -- informer',
  about: 'An informer that lists objects of 1 KiB and follows updates of them, beside the cache of client-node.',
  options: {
    short: flag('less of everything, to see that it works'),
    rounds: whole('of each contestant, in turns (default 3; short: 1)', { min: 1 }),
    only: oneOf(contestants, 'one contestant'),
    keys: oneOf(['10000', '100000', '1000000'], 'only with so many objects'),
    ...reporting,
  },
});

const rounds = options.rounds ?? (options.short ? 1 : 3);
const events = options.short ? 20_000 : 200_000;
interface Part {
  readonly keys: number;
  readonly handlers: number;
  readonly times: number;
  /** A million updates while one handler never returns. */
  readonly blocked?: boolean;
}

const plan: readonly Part[] = options.short
  ? [{ keys: 10_000, handlers: 1, times: rounds }]
  : [
      { keys: 10_000, handlers: 1, times: rounds },
      { keys: 100_000, handlers: 1, times: rounds },
      { keys: 100_000, handlers: 10, times: rounds },
      { keys: 1_000_000, handlers: 1, times: 1 },
      { keys: 10_000, handlers: 1, times: 1, blocked: true },
    ];

const parts = plan.filter(({ keys }) => options.keys === undefined || Number(options.keys) === keys);
if (parts.length === 0) refuse('keys', '10000 with --short', options.keys ?? '');
const results: InformerMeasurement[] = [];
for (const { keys, handlers, times, blocked = false } of parts) {
  const chosen = contestants.filter((name) => (options.only ?? name) === name && (!blocked || name === 'setpoint'));
  const part = { keys, handlers, blocked, events: blocked ? 1_000_000 : events, rounds: [] };
  let measurements = chosen.map((contestant): InformerMeasurement => ({ ...part, contestant }));
  // In turns, so that all meet the machine's quiet and busy moments.
  for (let round = 0; round < times; round++) {
    const next: InformerMeasurement[] = [];
    for (const one of measurements) next.push(withRound(one, await runTask(one)));
    measurements = next;
  }
  results.push(...measurements);
}
reportInformers(results, { gate: options.gate, json: options.json });
