/**
 * `npm run bench -- failover`: how long after its leader is gone a group has a new one that has written. A crash: the
 * leader's connection and everything of it stop at once. A resignation: it is asked to stop. A partition: nothing reaches
 * it any more; here also how long it believed in itself after its successor was elected, which must be never.
 *
 * --groups N     how many elections at once (default 100)
 */
import { cpus, loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { etcdStore } from '@setpoint/etcd';
import { LeaderElector, type LeaderElectionOptions } from 'setpoint/coordination';
import type { Store } from 'setpoint/store';
import { writeFileSync } from 'node:fs';
import { startBenchEtcd } from './store/bench-etcd.ts';

const ROOT = new URL('../../', import.meta.url);
const { values } = parseArgs({
  options: {
    groups: { type: 'string', default: '100' },
    gate: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const groups = Number(values.groups);
const TIMES: readonly Omit<LeaderElectionOptions, 'name'>[] = [
  { leaseDurationMs: 5_000, renewDeadlineMs: 3_500, retryPeriodMs: 1_000 },
  { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
];

interface Sample {
  readonly failoverMs: number;
  /** How long the old leader believed on after the new one was elected; below 0: it had stopped before. */
  readonly overlapMs: number;
}

/** A store that answers nothing from a moment on, as when the network is gone. */
function cuttable(store: Store): { readonly store: Store; readonly cut: () => void } {
  let cut = false;
  const never = new Promise<never>(() => {});
  const proxy = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (cut) return never;
        const answer: unknown = value.apply(target, args);
        return answer instanceof Promise ? answer.then((result) => (cut ? never : result)) : answer;
      };
    },
  });
  return { store: proxy, cut: () => void (cut = true) };
}

async function sample(
  endpoint: string,
  shared: Store,
  options: LeaderElectionOptions,
  end: 'crash' | 'resign' | 'partition',
): Promise<Sample> {
  const own = etcdStore({ endpoints: endpoint });
  const { store, cut } = cuttable(own);
  const first = new LeaderElector({ ...options, store });
  const stop = new AbortController();
  const running = first.run(stop.signal).catch(() => {});
  const { signal } = await first.whenLeading();
  let believedUntil = Infinity;
  signal.addEventListener('abort', () => (believedUntil = performance.now()));

  const over = new AbortController();
  let electedAt = 0;
  // On a busy machine a successor may itself be deposed before it has written; then it stands again.
  const committed = (async (): Promise<number> => {
    for (;;) {
      const second = new LeaderElector({ ...options, store: shared });
      second.run(over.signal).catch(() => {});
      const { ownership } = await second.whenLeading();
      electedAt ||= performance.now();
      const put = { key: `/failover/${options.name}`, value: '' };
      const written = await ownership.store.put(put).then(
        () => performance.now(),
        () => undefined,
      );
      if (written !== undefined) return written;
    }
  })();
  // Anywhere between two renewals.
  await wait(500 + Math.random() * options.retryPeriodMs!);
  const goneAt = performance.now();
  if (end === 'resign') stop.abort();
  else cut();
  if (end === 'crash') await own.close();
  const committedAt = await committed;
  const overlapMs = end === 'partition' ? believedUntil - electedAt : -Infinity;
  over.abort();
  stop.abort();
  if (end !== 'crash') await own.close();
  void running;
  return { failoverMs: committedAt - goneAt, overlapMs };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;

const etcd = await startBenchEtcd(ROOT, { fsync: true });
const shared = etcdStore({ endpoints: etcd.endpoint });
const results: object[] = [];
let right = true;
const load = loadavg()[0]!.toFixed(1);
console.log(`etcd ${etcd.version}, ${groups} elections at once, load ${load} on ${cpus().length} cores;`);
console.log('from the end of a leader to the first write of the next:');
for (const times of TIMES) {
  for (const end of ['crash', 'partition', 'resign'] as const) {
    const round = `${end}-${times.leaseDurationMs}`;
    const samples = await Promise.all(
      Array.from({ length: groups }, (_, index) =>
        sample(etcd.endpoint, shared, { ...times, name: `${round}-${index}` }, end),
      ),
    );
    // A leader that a busy machine deposed before its end was due tells nothing.
    const sorted = samples
      .map(({ failoverMs }) => failoverMs)
      .filter((ms) => ms > 0)
      .sort((a, b) => a - b);
    const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)];
    const overlap = Math.max(...samples.map(({ overlapMs }) => overlapMs));
    const overlaps = end === 'partition' ? `, overlap of intent at most ${overlap.toFixed(0)} ms` : '';
    if (end === 'partition' && overlap > 0) right = false;
    console.log(
      `TTL ${times.leaseDurationMs! / 1000} s, ${end.padEnd(9)} ${sorted.length} of them, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms${overlaps}`,
    );
    results.push({ ttlMs: times.leaseDurationMs, end, groups, p50, p99, ...(overlaps ? { overlap } : {}) });
  }
}
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ etcd: etcd.version, load, cores: cpus().length, results }, undefined, 2)}\n`,
  );
await shared.close();
await etcd.dispose();
process.exit(right || !values.gate ? 0 : 1);
