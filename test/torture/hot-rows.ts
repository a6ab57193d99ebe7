import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { defineController } from 'setpoint';
import type { HotKey } from 'setpoint/controller';
import { FakeClock } from 'setpoint/testing';
import { exponentialLimiter } from 'setpoint/workqueue';
import { check, eventually } from './checks.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager } from './started-manager.ts';

/** Keeps the event loop to itself. */
function blockFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** What one line of a log may weigh, whatever was thrown. */
const LINE_MAX = 16_384;

/** Reconciles that run, block or fail without end. */
export const rows: readonly Row[] = [
  {
    id: 'F-101',
    title:
      'a reconcile asks to be run again at once, for ever: it gets ten milliseconds, is told to be hot, and others get their turns',
    async cycle(t) {
      const clock = new FakeClock();
      const requeueAfterMs = t.pick([0.001, 0.5, 1, 5, 9.9]);
      let [runs, zeroRuns, created] = [0, 0, 0];
      const arrivedAt = new Map<string, number>();
      const waited: number[] = [];
      const jobs = defineController(Job, {
        async reconcile({ object, status }) {
          const { name } = object.metadata;
          if (name === 'spinning') runs++;
          if (name === 'spinning') return { requeueAfterMs };
          if (name === 'zero') zeroRuns++;
          if (name === 'zero') return { requeueAfterMs: 0 };
          if (object.status === undefined) waited.push(runs - (arrivedAt.get(`default/${name}`) ?? runs));
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, metric } = await startManager(t, { controllers: [jobs], clock });
      const hot: HotKey[] = [];
      manager.controller('jobs').on('hot', (told) => hot.push(told));
      manager.informer(Job).addEventHandler({ add: (_, { key }) => void arrivedAt.set(key, runs) });
      await createJobs(client, ['zero', 'spinning']);
      await eventually(() => runs > 0, 'the first run');
      const startedAt = clock.now();
      for (let turn = 0; turn < 4000 && hot.length === 0; turn++) {
        if (turn % 200 === 0) await createJobs(client, [`other-${created++}`]);
        await clock.advance(t.between(2, 8));
      }
      const others = Array.from({ length: created }, (_, at) => `other-${at}`);
      await eventually(() => clock.advance(1).then(() => allDone(manager, others)), 'the others are done');
      const most = (clock.now() - startedAt) / 10 + 2;
      check(runs <= most, `${runs} runs in ${clock.now() - startedAt} ms`);
      check(
        hot.length === 1 && hot[0]!.key === 'default/spinning' && hot[0]!.kind === 'hot',
        `told hot: ${hot.length} times`,
      );
      check(metric('setpoint_hot_keys_total', 'kind="hot"') === 1, 'the metric does not show it');
      check(Math.max(...waited) <= 2, `another key waited for ${Math.max(...waited)} runs of the spinning one`);
      check(zeroRuns === 1, `one that asked for a run after 0 ms ran ${zeroRuns} times`);
    },
  },
  {
    id: 'F-103',
    title:
      'reconciles keep the event loop to themselves: each is named with its controller and key, and counted; after an await it is among those named',
    async cycle(t) {
      const lateMs = t.between(350, 450);
      const slow = new Map(Array.from({ length: 2 }, (_, at) => [`default/slow-${at}`, t.between(210, 300)]));
      const jobs = defineController(Job, {
        async reconcile({ object, status }) {
          const blockMs = slow.get(`default/${object.metadata.name}`);
          if (blockMs !== undefined && object.status === undefined) blockFor(blockMs);
          if (object.metadata.name === 'late' && object.status === undefined) {
            await setImmediate();
            blockFor(lateMs);
          }
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, metric } = await startManager(t, { controllers: [jobs] });
      const names = ['slow-0', 'quick-0', 'slow-1', 'quick-1'];
      await createJobs(client, names);
      await eventually(() => allDone(manager, names), 'all are done');
      const lines = t.log.lines.filter(({ fields }) => fields['blockedMs'] !== undefined);
      for (const [key, blockMs] of slow) {
        const own = lines.filter(({ fields }) => fields['key'] === key && fields['controller'] === 'jobs');
        const told = own.some(({ fields }) => Number(fields['blockedMs']) >= blockMs - 1);
        check(told, `none of ${own.length} lines says that ${key} has blocked for ${blockMs} ms`);
      }
      const counted = metric('setpoint_blocking_reconciles_total', 'controller="jobs"');
      check(counted === lines.length, `${counted} are counted, ${lines.length} were told`);
      await createJobs(client, ['late']);
      await eventually(() => allDone(manager, ['late']), 'the last is done');
      const stalls = (): readonly Record<string, unknown>[] =>
        t.log.lines.flatMap(({ fields }) => (Number(fields['stalledMs']) >= 200 ? [fields] : []));
      await eventually(
        () => stalls().some(({ keys, controller }) => controller === 'jobs' && String(keys).includes('default/late')),
        () => `the loop stood still after an await, and of that is told: ${JSON.stringify(stalls())}`,
      );
    },
  },
  {
    id: 'F-104',
    title:
      'a reconcile writes what it watches each time: the loop is named with its field and slowed down, and what others change is not',
    async cycle(t) {
      const clock = new FakeClock();
      const ranAt: number[] = [];
      let [seen, ticks] = ['', 0];
      const jobs = defineController(Job, {
        async reconcile({ object, status }) {
          ranAt.push(clock.now());
          seen = object.spec.text;
          await status({ text: `at ${++ticks}` });
        },
      });
      const { manager, client, metric } = await startManager(t, { controllers: [jobs], clock });
      const hot: HotKey[] = [];
      manager.controller('jobs').on('hot', (told) => hot.push(told));
      await createJobs(client, ['loop']);
      await eventually(() => hot.length > 0, 'the loop is found');
      check(
        hot[0]!.kind === 'self-trigger' && hot[0]!.paths.includes('status.text'),
        `told: ${JSON.stringify(hot[0])}`,
      );
      check(metric('setpoint_hot_keys_total', 'kind="self-trigger"') === 1, 'the metric does not show it');
      await wait(50);
      const undamped = ranAt.length;
      const changeAt = t.between(2, 60);
      for (let step = 0; step < 80; step++) {
        await clock.advance(500);
        await wait(2);
        if (step !== changeAt) continue;
        await client.resource(Job).modify('default/loop', ({ spec }) => ({ spec: { text: `${spec.text} and more` } }));
        await eventually(() => seen === 'one and more', 'what somebody else changed is reconciled at once');
      }
      // Put off by 1, 2, 4, 8, 16 s, and once more from the start after the change of somebody else.
      const damped = ranAt.length - undamped;
      check(damped >= 3 && damped <= 14, `${damped} runs in 40 s`);
      check(hot.length === 1, `the loop was told ${hot.length} times in a minute`);
    },
  },
  {
    id: 'F-107',
    title:
      'hundreds of different failures with huge messages: few and short lines tell of them, all are counted, little is remembered',
    async cycle(t) {
      const names = Array.from({ length: 40 }, (_, at) => `job-${at}`);
      const most = t.between(400, 800);
      const size = t.between(20_000, 80_000);
      let failed = 0;
      const jobs = defineController(Job, {
        concurrency: 8,
        rateLimiter: exponentialLimiter({ baseMs: 1, maxMs: 2 }),
        async reconcile({ object, status }) {
          if (failed < most) throw new Error(`failure ${++failed}: ${String(failed % 10).repeat(size)}`);
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, metric } = await startManager(t, { controllers: [jobs] });
      const startedAt = performance.now();
      await createJobs(client, names);
      await eventually(() => allDone(manager, names), 'all are done', 30_000);
      const seconds = (performance.now() - startedAt) / 1000;
      const lines = t.log.lines.filter(({ fields, level }) => level === 'error' && fields['controller'] === 'jobs');
      check(lines.length <= 100 + 10 * seconds + 1, `${lines.length} lines in ${seconds} s`);
      const largest = Math.max(...lines.map((line) => JSON.stringify(line).length));
      check(largest <= LINE_MAX, `a line has ${largest} characters`);
      const told = lines.reduce((sum, { fields }) => sum + 1 + Number(fields['suppressed'] ?? 0), 0);
      check(told > 0 && told <= most, `lines and what they say was left out are ${told} of ${most}`);
      check(metric('controller_runtime_reconcile_errors_total') === most, 'not every failure is counted');
      const explained = JSON.stringify(manager.controller('jobs').explain('default/job-0'), (_, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      check(explained.length < LINE_MAX, `the explanation of a key has ${explained.length} characters`);
      t.measure('lines', lines.length);
    },
  },
];
