import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient } from 'setpoint';
import { Shards } from 'setpoint/coordination';
import { keyText, type Store } from 'setpoint/store';
import { type Random, seededRandom } from 'setpoint/testing';
import { type BenchEtcd, startBenchEtcd } from '../store/bench-etcd.ts';
import { createJobs, SHARDS_NAME } from './job.ts';
import { ended, startReplica } from './replica.ts';
import { SlotTimeline } from './slot-timeline.ts';
import { judge, type Replica, type Verdict } from './work-record.ts';

export interface ChurnOutcome extends Verdict {
  readonly seconds: number;
  readonly kills: number;
  readonly freezes: number;
  readonly starts: number;
  readonly boundMs: number;
  /** Writes of an owner that came after one of a later owner. */
  readonly lateCarriedOut: number;
}

const KEYS = 100;
const SLOTS = 16;
const TTL_MS = 5000;
/** Long enough that a freeze mostly comes in the middle of some reconciles. */
const IO_MS = 50;
const AGAIN_MS = 200;
const STEP_MS = 2000;
/** Longer than the lease lives. */
const FREEZE_MS = TTL_MS * 1.2;
const LIVING_MIN = 3;
const LIVING_MAX = 5;
const PROGRESS_MS = 30_000;

interface Running extends Replica {
  readonly child: ChildProcess;
}

const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Three to five replicas, of which one is killed, frozen for longer than its lease, or added, every two seconds. */
export async function churn(root: URL, seconds: number, seed: number): Promise<ChurnOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'setpoint-churn-'));
  const etcd = await startBenchEtcd(root);
  const store = etcdStore({ endpoints: etcd.endpoint });
  const crowd = new Crowd(etcd, folder, seededRandom(seed));
  const over = new AbortController();
  try {
    await createJobs(createClient({ store }), KEYS);
    const { revision } = await store.range({ key: '/none' });
    const timeline = new SlotTimeline(now);
    const following = timeline.follow(store, revision + 1n, over.signal);
    following.catch(() => {}); // told below
    for (let index = 0; index < LIVING_MIN; index++) crowd.start();
    const startedAt = now();
    await wait(8000); // until all have joined
    const steadyFrom = now();
    await crowd.churn(startedAt + seconds * 1000);
    const endedAt = now();
    await crowd.end(endedAt);
    over.abort();
    await following;
    const map = new Shards({ store, name: SHARDS_NAME, slots: SLOTS });
    const ownerAt = (key: string, at: number) => timeline.ownerOf(map.slotOf(key), at);
    const ownedBetween = (key: string, identity: string, from: number, to: number) =>
      timeline.wasOwnedBy(map.slotOf(key), identity, from, to);
    return {
      seconds,
      ...crowd.count,
      ...judge(crowd.all, { steadyFrom, endedAt, ttlMs: TTL_MS, ownerAt, ownedBetween }),
      boundMs: TTL_MS + 1000 + AGAIN_MS,
      lateCarriedOut: await tokensBack(store, revision),
    };
  } finally {
    over.abort();
    await crowd.end(now());
    await store.close();
    await etcd.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The replicas, dead ones included. */
class Crowd {
  readonly all: Running[] = [];
  readonly count = { kills: 0, freezes: 0, starts: 0 };
  readonly #etcd: BenchEtcd;
  readonly #folder: string;
  readonly #random: Random;
  #living: Running[] = [];
  #frozen: Running | undefined;

  constructor(etcd: BenchEtcd, folder: string, random: Random) {
    this.#etcd = etcd;
    this.#folder = folder;
    this.#random = random;
  }

  start(): void {
    const identity = `r${this.all.length}`;
    const record = join(this.#folder, identity);
    const setup = { endpoint: this.#etcd.endpoint, identity, slots: SLOTS, leaseDurationMs: TTL_MS };
    const child = startReplica({ ...setup, workers: 64, ioMs: IO_MS, againMs: AGAIN_MS, record }, () => {});
    const replica = { identity, child, record, absences: [] };
    this.all.push(replica);
    this.#living.push(replica);
    this.count.starts++;
  }

  async churn(until: number): Promise<void> {
    let thawing: Promise<void> = Promise.resolve();
    let tellAt = now() + PROGRESS_MS;
    while (now() < until) {
      const dice = this.#random.next();
      if (this.#living.length < LIVING_MIN || (this.#living.length < LIVING_MAX && dice < 0.45)) this.start();
      else if (dice < 0.75 || this.#frozen) this.#kill();
      else thawing = this.#freeze();
      await wait(STEP_MS);
      if (now() < tellAt) continue;
      tellAt += PROGRESS_MS;
      console.log(`  ${Math.round((until - now()) / 1000)} s left, ${JSON.stringify(this.count)}`);
    }
    await thawing;
  }

  /** Everybody at once. */
  async end(at: number): Promise<void> {
    const living = this.#living;
    this.#living = [];
    for (const replica of living) replica.absences.push({ from: at, to: Infinity });
    await Promise.all(living.map(({ child }) => ended(child)));
  }

  #kill(): void {
    const victim = this.#pick();
    this.#living = this.#living.filter((each) => each !== victim);
    victim.absences.push({ from: now(), to: Infinity });
    victim.child.kill('SIGKILL');
    this.count.kills++;
  }

  /** One at a time, or nobody would be left to take over. */
  async #freeze(): Promise<void> {
    const victim = this.#pick();
    const absence = { from: now(), to: Infinity };
    victim.absences.push(absence);
    this.#frozen = victim;
    victim.child.kill('SIGSTOP');
    this.count.freezes++;
    await wait(FREEZE_MS);
    absence.to = now();
    this.#frozen = undefined;
    victim.child.kill('SIGCONT');
  }

  #pick(): Running {
    const able = this.#living.filter((replica) => replica !== this.#frozen);
    return able[Math.floor(this.#random.next() * able.length)]!;
  }
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
