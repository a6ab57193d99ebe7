import { renderFamily, type Sample } from './prometheus-text.ts';

/** One time series' labels. All of a family's labels are given, each time. Never a value of an object, never a secret. */
export type LabelValues = Readonly<Record<string, string>>;

export interface MetricOptions {
  /** As Prometheus has it: letters, digits, `_` and `:`. Anything else becomes `_`. */
  readonly name: string;
  /** One sentence, shown to whoever reads the metrics. */
  readonly help: string;
  readonly labels?: readonly string[];
  /** How many distinct values a label may take before all further ones are counted as one. Default 1000 per label. */
  readonly maxLabelValues?: Readonly<Record<string, number>>;
}

export interface GaugeOptions extends MetricOptions {
  /** What several readers of one series come to. Default `sum`. */
  readonly combine?: 'sum' | 'max';
}

export interface HistogramOptions extends MetricOptions {
  /** Upper bounds, ascending; `+Inf` is added. */
  readonly buckets: readonly number[];
}

/** A family: one series for each set of label values. A series exists, at 0, from the first `with` on. */
export interface Family<Series> {
  with(labels?: LabelValues): Series;
}

export interface Counter {
  /** Adds `by`, default 1; anything that isn't above 0 is ignored, a counter never falls. */
  inc(by?: number): void;
}

export interface Gauge {
  set(value: number): void;
  /** Lets the series be read when it is asked for, instead of being set. Returns how to stop that. */
  read(value: () => number): () => void;
}

export interface Histogram {
  observe(value: number): void;
}

/**
 * A registry of metrics. Nothing here throws: a second registration of one name returns the first one's family, and
 * one that disagrees with it in type or labels gets a family that counts but isn't shown.
 */
export interface Metrics {
  counter(options: MetricOptions): Family<Counter>;
  gauge(options: GaugeOptions): Family<Gauge>;
  histogram(options: HistogramOptions): Family<Histogram>;
  /** Everything as it stands now, in Prometheus' text format (version 0.0.4), in order of registration. */
  render(): string;
}

/** A series as it stands now: its lines, and for a bucket its upper bound. */
interface Sampled {
  samples(): readonly { readonly suffix: Sample['suffix']; readonly le?: string; readonly value: number }[];
}

class CounterSeries implements Counter, Sampled {
  #value = 0;

  inc(by = 1): void {
    if (by > 0) this.#value += by;
  }

  samples(): ReturnType<Sampled['samples']> {
    return [{ suffix: '', value: this.#value }];
  }
}

class GaugeSeries implements Gauge, Sampled {
  #value = 0;
  readonly #readers = new Set<{ readonly value: () => number }>();
  readonly #combine: 'sum' | 'max';

  constructor(combine: 'sum' | 'max') {
    this.#combine = combine;
  }

  set(value: number): void {
    this.#value = value;
  }

  read(value: () => number): () => void {
    const reader = { value };
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  samples(): ReturnType<Sampled['samples']> {
    const read = [this.#value, ...Array.from(this.#readers, (reader) => readSafely(reader.value))];
    return [{ suffix: '', value: this.#combine === 'max' ? Math.max(...read) : read.reduce((sum, one) => sum + one) }];
  }
}

/** A reader that throws shows as NaN on its own line: the other metrics are still served. */
function readSafely(value: () => number): number {
  try {
    return value();
  } catch {
    return NaN;
  }
}

class HistogramSeries implements Histogram, Sampled {
  readonly #bounds: readonly number[];
  /** Observations per bucket, not cumulated; the last is `+Inf`. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const index = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[index < 0 ? this.#bounds.length : index]!++;
    this.#sum += value;
  }

  samples(): ReturnType<Sampled['samples']> {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      return { suffix: '_bucket' as const, le: String(this.#bounds[index] ?? '+Inf'), value: count };
    });
    return [...buckets, { suffix: '_sum', value: this.#sum }, { suffix: '_count', value: count }];
  }
}

const LABEL_VALUES_MAX = 1000;

/** What all values of a label past its bound are counted under; controller-runtime's word. */
const EXCEEDED = 'exceeded_cardinality_limit';

class SeriesFamily<Series extends Sampled> implements Family<Series> {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly #bounds: Readonly<Record<string, number>>;
  readonly #seen = new Map<string, Set<string>>();
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly series: Series }>();
  readonly #create: () => Series;

  constructor(type: SeriesFamily<Series>['type'], options: MetricOptions, create: () => Series) {
    this.type = type;
    this.name = metricName(options.name);
    this.help = options.help;
    this.labels = options.labels ?? [];
    this.#bounds = options.maxLabelValues ?? {};
    this.#create = create;
  }

  with(labels: LabelValues = {}): Series {
    const values = this.labels.map((label) => this.#bounded(label, labels[label] ?? ''));
    const key = JSON.stringify(values);
    let known = this.#series.get(key);
    if (known === undefined) this.#series.set(key, (known = { values, series: this.#create() }));
    return known.series;
  }

  samples(): Sample[] {
    return Array.from(this.#series.values()).flatMap(({ values, series }) => {
      const labels = this.labels.map((label, index) => [label, values[index]!] as const);
      return series.samples().map(({ suffix, le, value }) => {
        return { suffix, value, labels: le === undefined ? labels : [...labels, ['le', le] as const] };
      });
    });
  }

  #bounded(label: string, value: string): string {
    const seen = this.#seen.get(label) ?? new Set<string>();
    this.#seen.set(label, seen);
    if (seen.has(value)) return value;
    if (seen.size >= (this.#bounds[label] ?? LABEL_VALUES_MAX)) return EXCEEDED;
    seen.add(value);
    return value;
  }
}

const metricName = (name: string): string => name.replace(/^(?=\d)|[^a-zA-Z0-9_:]/g, '_');

/** An empty registry. A manager makes one and hands it to what it runs; there is no global one. */
export function createMetrics(): Metrics {
  const families = new Map<string, SeriesFamily<Sampled>>();
  const register = <Series extends Sampled>(made: SeriesFamily<Series>): SeriesFamily<Series> => {
    const known = families.get(made.name);
    if (known === undefined) families.set(made.name, made);
    const same = known?.type === made.type && known.labels.join() === made.labels.join();
    return same ? (known as SeriesFamily<Series>) : made;
  };
  return {
    counter: (options) => register(new SeriesFamily('counter', options, () => new CounterSeries())),
    gauge: (options) => register(new SeriesFamily('gauge', options, () => new GaugeSeries(options.combine ?? 'sum'))),
    histogram: (options) =>
      register(new SeriesFamily('histogram', options, () => new HistogramSeries(options.buckets))),
    render: () => Array.from(families.values(), renderFamily).join(''),
  };
}
