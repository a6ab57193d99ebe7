/**
 * How fast is an informer, how much memory does it take, and beside whom? A list of 10k, 100k and 1M objects of 1 KiB and
 * then updates of them, with one handler and with ten, and an index; beside the ListWatch cache of
 * `@kubernetes/client-node`, in one run.
 *
 * Each measurement has a process of its own, and a server in another: one that speaks as much of etcd's gRPC, and one
 * that speaks as much of the Kubernetes API, as is needed, and that copies what it sends out of a template. Their CPU is
 * not counted. `setpoint` parses JSON as client-node does; `resource` checks objects as a kind's cache does; `unread`
 * leaves values as text. `--short`, `--rounds N`, `--only NAME`, `--keys N`, `--gate`, `--json FILE`.
 */
import { parseArgs } from 'node:util';
import { type InformerMeasurement, reportInformers, withRound } from './informer/informer-report.ts';
import { runTask } from './informer/run-task.ts';
import type { ContestantName } from './informer/task.ts';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    keys: { type: 'string' },
    gate: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

const rounds = Number(options.rounds ?? (options.short ? 1 : 3));
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
const contestants: readonly ContestantName[] = ['setpoint', 'setpoint, resource', 'setpoint, unread', 'client-node'];

const results: InformerMeasurement[] = [];
for (const { keys, handlers, times, blocked = false } of plan) {
  if (options.keys !== undefined && Number(options.keys) !== keys) continue;
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
