import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient } from 'setpoint';
import { keyText, type Store } from 'setpoint/store';
import { seededRandom } from 'setpoint/testing';
import { startBenchEtcd } from '../store/bench-etcd.ts';
import { Job, type WorkLine } from './job.ts';
import { ended, startReplica } from './replica.ts';

export interface ChurnOutcome {
  readonly seconds: number;
  readonly kills: number;
  readonly freezes: number;
  readonly starts: number;
  readonly runs: number;
  /** How often one replica worked on a key while another one did, that was not frozen. */
  readonly overlaps: number;
  readonly longestGapMs: number;
  readonly boundMs: number;
  /** Writes that were not carried out. */
  readonly refused: number;
  /** Writes of an owner that came after one of a later owner. */
  readonly tokensBack: number;
}

const KEYS = 120;
const SLOTS = 16;
const TTL_MS = 5000;
const AGAIN_MS = 100;
const STEP_MS = 2000;

interface Replica {
  readonly child: ChildProcess;
  readonly record: string;
  /** When it could do nothing: from then on, until then. */
  readonly absences: { from: number; to: number }[];
}

const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Two to five replicas, of which one is killed, frozen for longer than its lease, or added, every two seconds. */
export async function churn(root: URL, seconds: number, seed: number): Promise<ChurnOutcome> {
  const random = seededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'setpoint-churn-'));
  const etcd = await startBenchEtcd(root);
  const store = etcdStore({ endpoints: etcd.endpoint });
  const jobs = createClient({ store }).resource(Job);
  const { revision } = await store.range({ key: '/none' });
  await Promise.all(Array.from({ length: KEYS }, (_, index) => jobs.create({ name: `job-${index}`, spec: {} })));
  const all: Replica[] = [];
  let living: Replica[] = [];
  const count = { kills: 0, freezes: 0, starts: 0 };
  const start = (): void => {
    const record = join(folder, `r${all.length}`);
    const setup = { endpoint: etcd.endpoint, identity: `r${all.length}`, slots: SLOTS, leaseDurationMs: TTL_MS };
    const child = startReplica({ ...setup, workers: 64, ioMs: 5, againMs: AGAIN_MS, record }, () => {});
    const replica = { child, record, absences: [] };
    all.push(replica);
    living.push(replica);
    count.starts++;
  };
  const kill = (): void => {
    const [victim] = living.splice(Math.floor(random.next() * living.length), 1);
    victim!.child.kill('SIGKILL');
    victim!.absences.push({ from: now(), to: Infinity });
    count.kills++;
  };
  const freeze = async (): Promise<void> => {
    const victim = living[Math.floor(random.next() * living.length)]!;
    const absence = { from: now(), to: Infinity };
    victim.absences.push(absence);
    victim.child.kill('SIGSTOP');
    count.freezes++;
    await wait(TTL_MS * 1.2);
    absence.to = now();
    victim.child.kill('SIGCONT');
  };
  start();
  start();
  start();
  const startedAt = now();
  await wait(8000); // until all have joined
  const steadyFrom = now();
  const freezing: Promise<void>[] = [];
  while (now() - startedAt < seconds * 1000) {
    const dice = random.next();
    if (living.length < 3 || (living.length < 5 && dice < 0.45)) start();
    else if (dice < 0.75) kill();
    else freezing.push(freeze());
    await wait(STEP_MS);
  }
  await Promise.all(freezing);
  const endedAt = now();
  await Promise.all(living.map(({ child }) => ended(child)));
  for (const replica of living) replica.absences.push({ from: endedAt, to: Infinity });
  living = [];
  const lines = all.map((replica) => ({ replica, work: workOf(replica) }));
  const outcome = {
    seconds,
    ...count,
    ...judge(lines, steadyFrom, endedAt),
    boundMs: TTL_MS + 1000 + AGAIN_MS,
    tokensBack: await tokensBack(store, revision),
  };
  await store.close();
  await etcd.dispose();
  rmSync(folder, { recursive: true, force: true });
  return outcome;
}

interface Work {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly wrote: boolean | undefined;
}

function workOf({ record, absences }: Replica): Work[] {
  const open = new Map<string, number>();
  const work: Work[] = [];
  let text = '';
  try {
    text = readFileSync(record, 'utf8');
  } catch {
    return work; // it was killed before it began
  }
  for (const line of text.split('\n').filter((each) => each.endsWith('}'))) {
    const { key, at, type, wrote } = JSON.parse(line) as WorkLine;
    if (type === 'began') open.set(key, at);
    else {
      work.push({ key, from: open.get(key)!, to: at, wrote });
      open.delete(key);
    }
  }
  // What was never ended was cut short by a kill.
  const killedAt = absences.find(({ to }) => to === Infinity)?.from ?? Infinity;
  for (const [key, from] of open) work.push({ key, from, to: killedAt, wrote: undefined });
  return work;
}

/** The parts of a piece of work in which its process could do anything. */
function present({ from, to }: Work, absences: Replica['absences']): { from: number; to: number }[] {
  const cut = absences.find((absence) => absence.from < to && absence.to > from);
  if (!cut) return [{ from, to }];
  // After a freeze it is over by its deadline before it can write; what counts as work is what came before.
  return cut.from > from ? [{ from, to: cut.from }] : [];
}

function judge(
  lines: readonly { readonly replica: Replica; readonly work: readonly Work[] }[],
  steadyFrom: number,
  endedAt: number,
): Pick<ChurnOutcome, 'runs' | 'overlaps' | 'longestGapMs' | 'refused'> {
  const byKey = new Map<string, { from: number; to: number; by: number }[]>();
  let [runs, refused, overlaps, longestGapMs] = [0, 0, 0, 0];
  lines.forEach(({ replica, work }, by) => {
    for (const each of work) {
      runs++;
      if (each.wrote === false) refused++;
      const spans = byKey.get(each.key) ?? [];
      byKey.set(each.key, spans);
      for (const span of present(each, replica.absences)) spans.push({ ...span, by });
    }
  });
  for (const spans of byKey.values()) {
    spans.sort((a, b) => a.from - b.from);
    let latest = { from: 0, to: steadyFrom, by: -1 };
    for (const span of spans) {
      if (span.from < latest.to && span.by !== latest.by && latest.by >= 0) overlaps++;
      if (span.from > steadyFrom) longestGapMs = Math.max(longestGapMs, span.from - Math.max(latest.to, steadyFrom));
      if (span.to > latest.to) latest = span;
    }
    longestGapMs = Math.max(longestGapMs, endedAt - latest.to);
  }
  return { runs, overlaps, longestGapMs, refused };
}

/** Reads back every write: for one key, tokens may only grow. */
async function tokensBack(store: Store, after: bigint): Promise<number> {
  const { revision } = await store.range({ key: '/none' });
  await store.put({ key: '/registry/jobs/~end', value: '' });
  const latest = new Map<string, string>();
  let back = 0;
  for await (const batch of store.watch({ prefix: '/registry/jobs/', startRevision: after + 1n })) {
    for (const { kv, type } of batch.events) {
      if (type !== 'put' || kv.modRevision > revision) continue;
      const { status } = JSON.parse(new TextDecoder().decode(kv.value)) as { status?: { token: string } };
      const key = keyText(kv.key);
      const before = latest.get(key) ?? '';
      if (!status) continue;
      if (status.token < before) back++;
      else latest.set(key, status.token);
    }
    if (batch.revision > revision) break;
  }
  return back;
}
