import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

describe('metrics', () => {
  it('renders counters, gauges and histograms in the text format, with HELP and TYPE', () => {
    const metrics = createMetrics();
    metrics
      .counter({ name: 'adds_total', help: 'Adds.', labels: ['name'] })
      .with({ name: 'q' })
      .inc(3);
    metrics.gauge({ name: 'depth', help: 'Depth.' }).with().set(-1.5);
    const seconds = metrics.histogram({ name: 'seconds', help: 'Time.', labels: ['name'], buckets: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 7]) seconds.with({ name: 'q' }).observe(value);
    expect(metrics.render()).toBe(
      [
        '# HELP adds_total Adds.',
        '# TYPE adds_total counter',
        'adds_total{name="q"} 3',
        '# HELP depth Depth.',
        '# TYPE depth gauge',
        'depth -1.5',
        '# HELP seconds Time.',
        '# TYPE seconds histogram',
        'seconds_bucket{name="q",le="0.1"} 2',
        'seconds_bucket{name="q",le="1"} 3',
        'seconds_bucket{name="q",le="+Inf"} 4',
        'seconds_sum{name="q"} 7.65',
        'seconds_count{name="q"} 4',
        '',
      ].join('\n'),
    );
  });

  it('escapes what would break a line: quotes, backslashes and line ends', () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'a', help: 'one\ntwo \\ "three"', labels: ['path'] }).with({ path: 'C:\\"x"\n' });
    expect(metrics.render()).toBe('# HELP a one\\ntwo \\\\ "three"\n# TYPE a counter\na{path="C:\\\\\\"x\\"\\n"} 0\n');
  });

  it('writes infinities and NaN as Prometheus reads them', () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: 'a', help: '', labels: ['which'] });
    gauge.with({ which: 'up' }).set(Infinity);
    gauge.with({ which: 'down' }).set(-Infinity);
    gauge.with({ which: 'none' }).set(NaN);
    expect(metrics.render().match(/ \S+$/gm)?.slice(-3)).toEqual([' +Inf', ' -Inf', ' NaN']);
  });

  it('shows a series at 0 from the first time that it is asked for', () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'errors_total', help: 'Errors.' }).with();
    expect(metrics.render()).toContain('\nerrors_total 0\n');
  });

  it('I-19: returns the first family when a name is registered again', () => {
    const metrics = createMetrics();
    const options = { name: 'adds_total', help: 'Adds.', labels: ['name'] };
    metrics.counter(options).with({ name: 'q' }).inc();
    metrics
      .counter({ ...options, help: 'Other words.' })
      .with({ name: 'q' })
      .inc();
    expect(metrics.render()).toBe('# HELP adds_total Adds.\n# TYPE adds_total counter\nadds_total{name="q"} 2\n');
  });

  it('I-19: does not throw for a name registered again as something else, and leaves the first as it was', () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'a', help: 'First.' }).with().inc();
    metrics.gauge({ name: 'a', help: 'Second.' }).with().set(7);
    metrics
      .counter({ name: 'a', help: 'Third.', labels: ['other'] })
      .with({ other: 'x' })
      .inc();
    expect(metrics.render()).toBe('# HELP a First.\n# TYPE a counter\na 1\n');
  });

  it('I-20: counts every label value past the bound as one, and goes on counting the known ones', () => {
    const metrics = createMetrics();
    const depth = metrics.counter({ name: 'depth', help: '', labels: ['priority'], maxLabelValues: { priority: 25 } });
    for (let round = 0; round < 2; round++) {
      for (let priority = 0; priority < 30; priority++) depth.with({ priority: String(priority) }).inc();
    }
    const lines = metrics.render().split('\n').slice(2, -1);
    expect(lines).toHaveLength(26);
    expect(lines[24]).toBe('depth{priority="24"} 2');
    expect(lines[25]).toBe('depth{priority="exceeded_cardinality_limit"} 10');
  });

  it('reads a gauge when it is asked for, adds several readers up, and stops when told to', () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: 'a', help: '' }).with();
    let value = 1;
    const stop = gauge.read(() => value);
    gauge.read(() => 10);
    value = 2;
    expect(metrics.render()).toContain('\na 12\n');
    stop();
    expect(metrics.render()).toContain('\na 10\n');
  });

  it('takes the largest reader where that was asked for', () => {
    const metrics = createMetrics();
    const gauge = metrics.gauge({ name: 'a', help: '', combine: 'max' }).with();
    gauge.read(() => 3);
    gauge.read(() => 2);
    expect(metrics.render()).toContain('\na 3\n');
  });

  it('shows NaN for a reader that throws, and all other metrics as ever', () => {
    const metrics = createMetrics();
    metrics
      .gauge({ name: 'broken', help: '' })
      .with()
      .read(() => {
        throw new Error('a broken reader');
      });
    metrics.counter({ name: 'fine', help: '' }).with().inc();
    expect(metrics.render()).toContain('\nbroken NaN\n');
    expect(metrics.render()).toContain('\nfine 1\n');
  });

  it('never lets a counter fall, and makes a name that Prometheus takes', () => {
    const metrics = createMetrics();
    const counter = metrics.counter({ name: '9 lives-total', help: '' }).with();
    counter.inc(2);
    counter.inc(-1);
    counter.inc(NaN);
    expect(metrics.render()).toContain('\n_9_lives_total 2\n');
  });
});
