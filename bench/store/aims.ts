import type { ContestantName, Figures } from './task.ts';
import { medianOf, type StoreMeasurement } from './measure.ts';

/** A promise about two contestants of one scenario: `contestant`'s figure is at most `max` times that of `peer`. */
export interface Aim {
  readonly scenario: string;
  readonly contestant: ContestantName;
  readonly peer: ContestantName;
  readonly figure: keyof Figures;
  readonly max: number;
}

export interface Verdict extends Aim {
  /** Undefined where one of the two has no such figure. */
  readonly ratio: number | undefined;
  readonly met: boolean;
}

const LIST = 'list';
const CATCH_UP = 'catch-up';
const LIVE = 'live';

/** 1.4 times as fast is 1/1.4 of the time, and so on. */
export const aims: readonly Aim[] = [
  { scenario: LIST, contestant: 'setpoint', peer: 'etcd3', figure: 'wallMs', max: 1 / 1.4 },
  { scenario: LIST, contestant: 'setpoint', peer: 'etcd3', figure: 'cpuMs', max: 0.7 },
  { scenario: LIST, contestant: 'setpoint', peer: 'etcdctl', figure: 'wallMs', max: 1.9 },
  { scenario: CATCH_UP, contestant: 'setpoint, no fragments', peer: 'etcd3', figure: 'wallMs', max: 1 / 1.8 },
  { scenario: CATCH_UP, contestant: 'setpoint', peer: 'etcd3', figure: 'cpuMs', max: 0.5 },
  { scenario: LIVE, contestant: 'setpoint', peer: 'etcd3', figure: 'cpuMs', max: 0.65 },
  { scenario: LIVE, contestant: 'setpoint', peer: 'etcdctl', figure: 'p50Ms', max: 1 },
  { scenario: LIVE, contestant: 'setpoint', peer: 'etcdctl', figure: 'p99Ms', max: 1 },
];

export function judge(measurements: readonly StoreMeasurement[]): readonly Verdict[] {
  return aims.map((aim) => {
    const figureOf = (name: ContestantName): number | undefined => {
      const found = measurements.find((one) => one.scenario === aim.scenario && one.contestant === name);
      return found && medianOf(found, aim.figure);
    };
    const [ours, theirs] = [figureOf(aim.contestant), figureOf(aim.peer)];
    const ratio = ours === undefined || theirs === undefined ? undefined : ours / theirs;
    return { ...aim, ratio, met: ratio !== undefined && ratio <= aim.max };
  });
}
