import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStore } from 'setpoint/store';
import { settle } from 'setpoint/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SLOTS_PREFIX } from './job.ts';
import { SlotTimeline } from './slot-timeline.ts';
import { judge, type JudgeOptions, type Replica } from './work-record.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'setpoint-judge-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A replica that worked on `job` at these times, and was killed or frozen at those. */
function replica(
  identity: string,
  work: readonly (readonly [from: number, to: number])[],
  ...gone: Replica['absences']
) {
  const record = join(folder, identity);
  const lines = work.flatMap(([from, to]) => [
    { key: 'job', at: from, type: 'began' },
    { key: 'job', at: to, type: 'ended', wrote: true },
  ]);
  writeFileSync(record, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { identity, record, absences: gone };
}

/** Who has the slot from when on. */
async function judged(replicas: readonly Replica[], terms: readonly (readonly [from: number, identity: string])[]) {
  const store = memoryStore();
  let now = 0;
  const timeline = new SlotTimeline(() => now);
  const over = new AbortController();
  const following = timeline.follow(store, 1n, over.signal).catch(() => {});
  await settle();
  for (const [index, [from, identity]] of terms.entries()) {
    now = from;
    if (index > 0) await store.delete({ key: `${SLOTS_PREFIX}0/${index - 1}` });
    await store.put({ key: `${SLOTS_PREFIX}0/${index}`, value: JSON.stringify({ identity }) });
    await settle();
  }
  over.abort();
  await following;
  const options: JudgeOptions = {
    steadyFrom: 0,
    endedAt: 10_000,
    ttlMs: 5000,
    ownerAt: (_, at) => timeline.ownerOf(0, at),
    ownedBetween: (_, identity, from, to) => timeline.wasOwnedBy(0, identity, from, to),
  };
  return judge(replicas, options);
}

const killed = (from: number) => ({ from, to: Infinity });

it('a key is without an owner from the death of its owner until the next one works on it', async () => {
  const replicas = [replica('a', [[0, 1000]], killed(2000)), replica('b', [[7500, 10_000]])];
  const verdict = await judged(replicas, [
    [0, 'a'],
    [7000, 'b'],
  ]);
  expect(verdict).toMatchObject({ runs: 2, overlaps: 0, longestUnownedMs: 5500 });
});

it('an owner that lives and does not work is no excuse', async () => {
  const verdict = await judged(
    [
      replica('a', [
        [0, 1000],
        [9000, 10_000],
      ]),
    ],
    [[0, 'a']],
  );
  expect(verdict.longestUnownedMs).toBe(8000);
});

it('who inherits the slot after it died is one more death, and who does not inherit it is none', async () => {
  const terms = [
    [0, 'a'],
    [6000, 'heir'],
    [9000, 'b'],
  ] as const;
  const others = [replica('a', [[0, 1000]], killed(1000)), replica('b', [[9500, 10_000]])];
  const heir = await judged([...others, replica('heir', [], killed(4000))], terms);
  expect(heir.longestUnownedMs).toBe(5500);
  const stranger = await judged([...others, replica('stranger', [], killed(4000))], terms);
  expect(stranger.longestUnownedMs).toBe(8500);
});

it('two that work on one key at once are told, unless one of them is frozen by then', async () => {
  const terms = [[0, 'a']] as const;
  const both = [replica('a', [[0, 6000]]), replica('b', [[5000, 10_000]])];
  expect((await judged(both, terms)).overlaps).toBe(1);
  const frozen = [replica('a', [[0, 6000]], { from: 4000, to: 5500 }), replica('b', [[5000, 10_000]])];
  expect((await judged(frozen, terms)).overlaps).toBe(0);
});
