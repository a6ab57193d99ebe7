import { describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import { createMetrics, type Metrics } from '../internal/metrics.ts';
import { WorkQueue } from './work-queue.ts';

const LABELS = '{name="q",controller="q"}';

function measured(name = 'q') {
  const clock = new FakeClock();
  const metrics = createMetrics();
  return { clock, metrics, queue: new WorkQueue({ name, metrics, clock }) };
}

/** The value of one series as a scrape shows it. */
function value(metrics: Metrics, series: string): number {
  const line = metrics
    .render()
    .split('\n')
    .find((one) => one.startsWith(`${series} `));
  if (line === undefined) throw new Error(`${series} is not among the metrics`);
  return Number(line.slice(series.length + 1));
}

describe('queue metrics', () => {
  it('I-15: counts five adds of one waiting key as one', () => {
    const { metrics, queue } = measured();
    for (let add = 0; add < 5; add++) queue.add('a');
    expect(value(metrics, `workqueue_adds_total${LABELS}`)).toBe(1);
    queue.tryGet();
    queue.add('a');
    queue.add('a');
    expect(value(metrics, `workqueue_adds_total${LABELS}`)).toBe(2);
  });

  it('I-15: counts a delayed add when its time has come', async () => {
    const { clock, metrics, queue } = measured();
    queue.addAfter('a', 100);
    expect(value(metrics, `workqueue_adds_total${LABELS}`)).toBe(0);
    await clock.advance(100);
    expect(value(metrics, `workqueue_adds_total${LABELS}`)).toBe(1);
  });

  it('I-16: measures the queue time from the first accepted add, the time dirty while held included', async () => {
    const { clock, metrics, queue } = measured();
    queue.add('a');
    await clock.advance(2000);
    queue.tryGet();
    expect(value(metrics, `workqueue_queue_duration_seconds_sum${LABELS}`)).toBe(2);
    queue.add('a');
    await clock.advance(3000);
    queue.add('a');
    queue.done('a');
    await clock.advance(4000);
    queue.tryGet();
    expect(value(metrics, `workqueue_queue_duration_seconds_sum${LABELS}`)).toBe(9);
    expect(value(metrics, `workqueue_queue_duration_seconds_count${LABELS}`)).toBe(2);
  });

  it('I-16: measures the work time from hand-out to done', async () => {
    const { clock, metrics, queue } = measured();
    queue.add('a');
    await clock.advance(2000);
    queue.tryGet();
    await clock.advance(500);
    expect(value(metrics, `workqueue_work_duration_seconds_count${LABELS}`)).toBe(0);
    queue.done('a');
    queue.done('a');
    expect(value(metrics, `workqueue_work_duration_seconds_sum${LABELS}`)).toBe(0.5);
    expect(value(metrics, `workqueue_work_duration_seconds_count${LABELS}`)).toBe(1);
  });

  it('I-17: shows unfinished and longest-running work that grows while a worker is stuck, never older than 500 ms', async () => {
    const { clock, metrics, queue } = measured();
    const read = (): number[] =>
      ['unfinished_work', 'longest_running_processor'].map((what) =>
        value(metrics, `workqueue_${what}_seconds${LABELS}`),
      );
    expect(read()).toEqual([0, 0]);
    queue.add('stuck');
    queue.add('also-stuck');
    queue.tryGet();
    await clock.advance(1000);
    queue.tryGet();
    await clock.advance(500);
    expect(read()).toEqual([2, 1.5]);
    await clock.advance(500);
    expect(read()).toEqual([3, 2]);
    queue.done('stuck');
    expect(read()).toEqual([1, 1]);
  });

  it('I-18: registers no metrics for a queue without a name', () => {
    const metrics = createMetrics();
    const queue = new WorkQueue({ metrics });
    queue.add('a');
    queue.tryGet();
    expect(metrics.render()).toBe('');
  });

  it('I-19: lets two queues of one name share their series', async () => {
    const { clock, metrics, queue } = measured();
    const twin = new WorkQueue({ name: 'q', metrics, clock });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    twin.add('a');
    queue.tryGet();
    twin.tryGet();
    await clock.advance(1000);
    expect(value(metrics, `workqueue_adds_total${LABELS}`)).toBe(4);
    expect(value(metrics, 'workqueue_depth{name="q",controller="q",priority="0"}')).toBe(2);
    expect(value(metrics, `workqueue_unfinished_work_seconds${LABELS}`)).toBe(2);
    expect(value(metrics, `workqueue_longest_running_processor_seconds${LABELS}`)).toBe(1);
  });

  it.each([
    ['throws when the metrics are registered', () => ({ with: () => failing() })],
    [
      'throws when they are used',
      () => ({ with: () => ({ inc: failing, observe: failing, set: failing, read: () => failing }) }),
    ],
  ])('I-19: works the same on a registry that %s', async (_, family) => {
    const metrics = { counter: family, gauge: family, histogram: family, render: failing } as unknown as Metrics;
    const queue = new WorkQueue({ name: 'q', metrics });
    queue.add('a');
    queue.addAfter('a', -1);
    expect(queue.tryGet()).toBe('a');
    queue.done('a');
    expect(await queue.drain()).toEqual({ left: [] });
  });

  it('I-20: names its metrics as controller-runtime does, with its buckets', () => {
    const { metrics, queue } = measured();
    queue.add('a');
    queue.done(queue.tryGet()!);
    const text = metrics.render();
    expect([...text.matchAll(/^# TYPE (.+)$/gm)].map((match) => match[1])).toEqual([
      'workqueue_depth gauge',
      'workqueue_adds_total counter',
      'workqueue_queue_duration_seconds histogram',
      'workqueue_work_duration_seconds histogram',
      'workqueue_unfinished_work_seconds gauge',
      'workqueue_longest_running_processor_seconds gauge',
      'workqueue_retries_total counter',
    ]);
    const bounds = [...text.matchAll(/^workqueue_work_duration_seconds_bucket\{.*le="(.+)"\}/gm)];
    expect(bounds.map((match) => Number(match[1]!.replace('+Inf', 'Infinity')))).toEqual([
      1e-8,
      1e-7,
      1e-6,
      1e-5,
      1e-4,
      0.001,
      0.01,
      0.1,
      1,
      10,
      100,
      1000,
      Infinity,
    ]);
  });

  it('takes its readings off the registry when it is over, and not while a worker is stuck', async () => {
    const { clock, metrics, queue } = measured();
    queue.add('stuck');
    queue.tryGet();
    queue.shutDown();
    await clock.advance(1000);
    expect(value(metrics, `workqueue_unfinished_work_seconds${LABELS}`)).toBe(1);
    const next = new WorkQueue({ name: 'q', metrics, clock });
    next.add('a');
    queue.done('stuck');
    expect(value(metrics, 'workqueue_depth{name="q",controller="q",priority="0"}')).toBe(1);
  });
});

function failing(): never {
  throw new Error('a broken registry');
}
