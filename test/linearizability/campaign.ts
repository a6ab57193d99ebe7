import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { etcdStore } from '@setpoint/etcd';
import { seededRandom } from 'setpoint/testing';
import { startEtcd } from '../harness/etcd-server.ts';
import { folderMade, folderRemoved } from '../harness/leftovers.ts';
import { Scope } from '../harness/scope.ts';
import { isLinearizable } from './linearizable.ts';
import { completed, runWindow } from './window.ts';
import { witness } from './witness.ts';
import { WorkerProcess } from './worker-process.ts';

export interface CampaignOptions {
  readonly version: string;
  readonly members: 1 | 3;
  readonly count: number;
  readonly seed: number;
  readonly fenced: boolean;
  /** Histories at once. */
  readonly together: number;
  readonly workers: number;
  readonly onWindow?: (result: CampaignResult) => void;
}

export interface CampaignResult {
  version: string;
  members: number;
  fenced: boolean;
  seed: number;
  histories: number;
  windows: number;
  operations: number;
  acknowledged: number;
  refused: number;
  /** Of the refused ones, those whose sender was told that it is no longer the owner. */
  deposed: number;
  unknown: number;
  faults: Record<string, number>;
  /** Histories that the witness, or the search, found to be wrong. */
  byWitness: number;
  bySearch: number;
  lostUpdates: number;
  examples: string[];
  seconds: number;
}

const WINDOW_MS = 8000;
/** Above the two seconds that etcd takes at least, so that a busy machine alone doesn't use it up. */
const TTL_SECONDS = 4;
const EXAMPLES_MAX = 5;

/** Records histories on one etcd under faults, and has both judges look at each. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { version, members, count, seed, fenced, together } = options;
  const startedAt = performance.now();
  const scope = new Scope();
  const random = seededRandom(seed);
  const result: CampaignResult = {
    version,
    members,
    fenced,
    seed,
    histories: 0,
    windows: 0,
    operations: 0,
    acknowledged: 0,
    refused: 0,
    deposed: 0,
    unknown: 0,
    faults: {},
    byWitness: 0,
    bySearch: 0,
    lostUpdates: 0,
    examples: [],
    seconds: 0,
  };
  try {
    const server = await startEtcd({ version, members, partitions: members > 1 });
    scope.defer(() => server.dispose());
    const store = etcdStore({ endpoints: server.endpoints });
    scope.defer(() => store.close());
    const workers = await startWorkers(scope, server.endpoints, options);
    while (result.histories < count) {
      const size = Math.min(together, count - result.histories);
      const names = Array.from({ length: size }, (_, index) => `w${result.windows}-h${index}`);
      const setup = { server, store, workers, names, tries: 2, lastsMs: WINDOW_MS, random };
      judge(await runWindow(setup), result);
      result.seconds = (performance.now() - startedAt) / 1000;
      options.onWindow?.(result);
    }
  } finally {
    await scope.dispose();
  }
  return result;
}

async function startWorkers(
  scope: Scope,
  endpoints: readonly string[],
  { workers, seed, fenced }: CampaignOptions,
): Promise<WorkerProcess[]> {
  const folder = mkdtempSync(join(tmpdir(), 'setpoint-histories-'));
  folderMade(folder);
  scope.defer(() => {
    rmSync(folder, { recursive: true, force: true });
    folderRemoved(folder);
  });
  return Promise.all(
    Array.from({ length: workers }, async (_, index) => {
      const record = join(folder, `record-${index}`);
      const setup = { record, ttlSeconds: TTL_SECONDS, fenced, thinkMsMax: 400, seed: seed * 31 + index };
      const endpoint = endpoints[index % endpoints.length]!;
      const worker = await WorkerProcess.start(`p${index}`, endpoint, setup);
      scope.defer(() => worker.dispose());
      return worker;
    }),
  );
}

function judge(outcome: Awaited<ReturnType<typeof runWindow>>, result: CampaignResult): void {
  result.windows++;
  result.deposed += outcome.deposed;
  for (const fault of outcome.faults) result.faults[fault] = (result.faults[fault] ?? 0) + 1;
  for (const recorded of outcome.histories) {
    const history = completed(recorded);
    result.histories++;
    result.operations += history.operations.length;
    for (const { kind, outcome: ended } of history.operations) {
      if (kind !== 'increment') continue;
      if (ended === 'ok') result.acknowledged++;
      else result[ended]++;
    }
    const wrong = witness(history);
    result.lostUpdates += wrong.filter((what) => what.startsWith('lost update')).length;
    const searched = isLinearizable(history.operations);
    if (wrong.length > 0) result.byWitness++;
    if (!searched) result.bySearch++;
    if ((wrong.length > 0 || !searched) && result.examples.length < EXAMPLES_MAX)
      result.examples.push(`${history.name}: ${wrong[0] ?? 'no order fits its answers'}`);
  }
}
