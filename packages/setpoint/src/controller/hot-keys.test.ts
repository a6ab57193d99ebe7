import { describe, expect, it } from 'vitest';
import { started } from '../../../../test/harness/started-controller.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import type { Cause } from '../workqueue/index.ts';
import { type HotKey, HotKeys } from './hot-keys.ts';
import type { Write } from './write.ts';

const KEY = 'default/web';
const update = (revision: bigint, object = KEY, paths: readonly string[] = []): Cause => ({
  type: 'event',
  source: 'Website',
  object,
  change: 'update',
  revision,
  paths,
  count: 1,
});
const write = (revision: bigint, key = KEY): Write => ({ kind: 'Website', key, revision });

function watching() {
  const clock = new FakeClock();
  const told: HotKey[] = [];
  const hotKeys = new HotKeys(clock, (hot) => void told.push(hot));
  let revision = 1n;
  /** One run that the last one's write led to, and that writes again. */
  const loop = (times: number, paths?: readonly string[]): void => {
    for (let i = 0; i < times; i++) {
      hotKeys.ended(KEY, [update(revision, KEY, paths)], [write(revision + 1n)]);
      revision++;
    }
  };
  const delay = (causes: readonly Cause[] = [update(revision)]): number => hotKeys.delayMs(KEY, () => causes);
  return { clock, told, hotKeys, loop, delay, last: () => revision };
}

describe('finding keys that run in circles', () => {
  it('F-104: tells of a loop at the 21st run that its own write led to, with the field that flips most', () => {
    const { told, loop } = watching();
    loop(21, ['status.time', 'status.other']);
    expect(told).toEqual([]);
    loop(1, ['status.time']);
    expect(told).toEqual([{ key: KEY, kind: 'self-trigger', runs: 22, paths: ['status.time', 'status.other'] }]);
    loop(500);
    expect(told).toHaveLength(1);
  });

  it('F-104: puts a loop off by a second, then twice as long each time, up to a minute', async () => {
    const { clock, hotKeys, loop, delay } = watching();
    loop(21);
    expect([delay(), hotKeys.damped]).toEqual([0, 0]);
    loop(1);
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      delays.push(delay());
      await clock.advance(delay());
      expect(delay()).toBe(0);
      loop(1);
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(hotKeys.damped).toBe(1);
  });

  it('F-104: never puts off what anybody else caused, and ends with it', async () => {
    const { clock, hotKeys, loop, delay, last } = watching();
    loop(22);
    const foreign: readonly Cause[][] = [
      [update(999n)],
      [update(last()), update(999n)],
      [update(last(), 'default/other')],
      [{ ...update(last()), change: 'delete' }],
      [{ type: 'manual', count: 1 }],
      [],
    ];
    for (const causes of foreign) expect(delay(causes)).toBe(0);
    expect(delay()).toBe(1000);
    await clock.advance(400);
    expect([delay(), hotKeys.dampedMs(KEY)]).toEqual([600, 600]);
    hotKeys.ended(KEY, [update(999n)], [write(1000n)]);
    expect([hotKeys.damped, hotKeys.dampedMs(KEY)]).toEqual([0, 0]);
  });

  it('F-104: a run that writes nothing ends the loop', () => {
    const { hotKeys, loop, delay, last } = watching();
    loop(22);
    hotKeys.ended(KEY, [update(last())], []);
    expect([delay(), hotKeys.damped]).toEqual([0, 0]);
  });

  it('a key that comes to one object after the other makes progress, and is left alone', () => {
    const { hotKeys, told } = watching();
    for (let i = 1n; i < 500n; i++)
      hotKeys.ended(KEY, [update(i, `default/s${i}`)], [write(i + 1n, `default/s${i + 1n}`)]);
    expect(told).toEqual([]);
    expect(hotKeys.damped).toBe(0);
  });

  it('F-101: tells of a key that runs more than 600 times in a minute, once a minute, and damps nothing', async () => {
    const { clock, hotKeys, told } = watching();
    const run = (times: number): void => {
      for (let i = 0; i < times; i++) hotKeys.ended(KEY, [{ type: 'requeue', count: 1 }], []);
    };
    run(600);
    expect(told).toEqual([]);
    run(500);
    expect(told).toEqual([{ key: KEY, kind: 'hot', runs: 601, paths: [] }]);
    await clock.advance(60_000);
    run(600);
    expect(told).toHaveLength(1);
    run(1);
    expect(told).toHaveLength(2);
    expect(hotKeys.damped).toBe(0);
  });

  it('forgets in the next minute whoever is in no loop, and watches 10,000 keys at most', async () => {
    const { clock, hotKeys, loop } = watching();
    loop(22);
    for (let i = 0; i < 20_000; i++) hotKeys.ended(`k${i}`, [], []);
    expect(hotKeys.size).toBe(10_000);
    await clock.advance(60_000);
    hotKeys.ended('other', [], []);
    expect([hotKeys.size, hotKeys.damped]).toEqual([2, 1]);
  });
});

describe('in a controller', () => {
  /** A reconcile that writes what it watches, each time. */
  async function looping() {
    let revision = 10n;
    const hot: HotKey[] = [];
    const runs: number[] = [];
    const clock = new FakeClock();
    const harness = await started(
      ({ key }, { wrote }) => {
        runs.push(clock.now());
        const before = { status: { at: revision } };
        revision++;
        wrote({ kind: 'Website', key, revision });
        const states = { before, after: { status: { at: revision } } };
        const cause = { type: 'event', source: 'Website', object: key, change: 'update', revision, states } as const;
        harness.controller.enqueue(key, cause);
      },
      { clock },
    );
    harness.controller.on('hot', (told) => hot.push(told));
    return { ...harness, clock, hot, runs };
  }

  it('F-104: a self-triggering reconcile is named with its field, counted, and slowed down', async () => {
    const { controller, clock, hot, runs, lines, metric, stop } = await looping();
    controller.enqueue(KEY);
    await clock.advance(60_000);
    expect(hot).toEqual([{ key: KEY, kind: 'self-trigger', runs: 22, paths: ['status.at'] }]);
    expect(runs.length).toBeLessThan(30);
    expect(lines.filter((line) => line.level === 'warn').map((line) => line.fields)).toMatchObject([
      { controller: 'test', key: KEY, paths: ['status.at'] },
    ]);
    expect(metric('setpoint_hot_keys_total{controller="test",kind="self-trigger"}')).toBe(1);
    expect(metric('setpoint_damped_keys{controller="test"}')).toBe(1);
    const { state, dampedMs, summary } = controller.explain(KEY);
    expect(state).toBe('delayed');
    expect(dampedMs).toBeGreaterThan(0);
    expect(summary).toContain('its own writes keep waking it');
    await stop();
  });

  it('F-104: a damped key runs at once when somebody else changes something', async () => {
    const { controller, clock, runs, stop } = await looping();
    controller.enqueue(KEY);
    await clock.advance(10_000);
    const before = runs.length;
    controller.enqueue(KEY, { type: 'event', source: 'Website', object: KEY, change: 'update', revision: 5n });
    await settle();
    expect(runs.length).toBeGreaterThan(before);
    await stop();
  });
});
