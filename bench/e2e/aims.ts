import { median } from '../rounds.ts';
import type { ContestantName, Figures } from './job.ts';

/** All objects are there before the controller starts, are created while it runs, or come at 1,000 a second. */
export const modes = ['before', 'while', 'paced'] as const;
export type Mode = (typeof modes)[number];

/** The figures of one contestant in one mode with one number of workers, a round at a time. */
export interface Measured {
  readonly mode: Mode;
  readonly workers: number;
  readonly contestant: ContestantName;
  readonly count: number;
  readonly rounds: readonly Figures[];
}

export interface Verdict {
  readonly what: string;
  /** What was measured and what was wanted; undefined where it wasn't measured. */
  readonly value: number | undefined;
  readonly wanted: string;
  readonly met: boolean;
}

export const medianOf = ({ rounds }: Measured, figure: keyof Figures): number =>
  median(rounds.map((round) => round[figure]));

/** Statuses a second, from the first status call to the last answer. */
export const rateOf = (one: Measured): number => one.count / (medianOf(one, 'statusMs') / 1000);

/** With the objects there before: so many times plain etcd3's rate. */
const RATIOS: readonly (readonly [workers: number, min: number])[] = [
  [10, 1.5],
  [64, 3],
  [256, 3],
];
const P99_MAX = 1.2;
const PEAK_MB_MAX = 120;

export function judge(measured: readonly Measured[]): readonly Verdict[] {
  const find = (mode: Mode, contestant: ContestantName, workers?: number): Measured | undefined =>
    measured.find(
      (one) => one.mode === mode && one.contestant === contestant && (workers === undefined || one.workers === workers),
    );
  const rates = RATIOS.map(([workers, min]) => {
    const [ours, theirs] = [find('before', 'setpoint', workers), find('before', 'etcd3', workers)];
    const value = ours && theirs && rateOf(ours) / rateOf(theirs);
    return verdict(`statuses/s at ${workers} workers, × etcd3`, value, min, Infinity);
  });
  const [ours, theirs] = [find('paced', 'setpoint'), find('paced', 'etcd3')];
  const p99 = ours && theirs && medianOf(ours, 'p99Ms') / medianOf(theirs, 'p99Ms');
  const own = measured.filter(({ contestant }) => contestant === 'setpoint');
  const peak = own.length === 0 ? undefined : Math.max(...own.map((one) => medianOf(one, 'peakMb')));
  return [
    ...rates,
    verdict('p99 from create to status at 1,000 creates/s, × etcd3', p99, 0, P99_MAX),
    verdict('peak memory, MB', peak, 0, PEAK_MB_MAX),
  ];
}

function verdict(what: string, value: number | undefined, min: number, max: number): Verdict {
  const wanted = max === Infinity ? `at least ${min}` : `at most ${max}`;
  return { what, value, wanted, met: value !== undefined && value >= min && value <= max };
}
