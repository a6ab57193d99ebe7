/** What a measured process is asked to do, and what it answers. */

export const contestants = ['setpoint', 'setpoint, no fragments', 'etcd3', 'etcd3, one call', 'etcdctl'] as const;
export type ContestantName = (typeof contestants)[number];

export interface Task {
  readonly contestant: ContestantName;
  /** `live`: each value begins with the time at which it was put. */
  readonly what: 'list' | 'catch-up' | 'live';
  readonly endpoint: string;
  readonly etcdctl: string;
  readonly prefix: string;
  /** How many keys or events there are: the task is over when all were seen. */
  readonly count: number;
  /** For watches: the first revision to deliver. */
  readonly startRevision: string;
}

/** Of one task, of the process that did it alone. Absent where the machine doesn't say. */
export interface Figures {
  readonly wallMs: number;
  readonly cpuMs: number | undefined;
  readonly peakMb: number | undefined;
  /** From put to event; only of live watches. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** A clock that all processes of this machine share, in milliseconds. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;

const STAMP_DIGITS = 20;

/** A value of `bytes` bytes that begins with the time. */
export function stampedValue(bytes: number): string {
  return String(process.hrtime.bigint()).padStart(STAMP_DIGITS, '0').padEnd(bytes, 'x');
}

/** The time at which a value was made, in milliseconds of {@link sharedNow}. */
export function stampOf(value: Uint8Array): number {
  let nanoseconds = 0;
  for (let at = 0; at < STAMP_DIGITS; at++) nanoseconds = nanoseconds * 10 + value[at]! - 48;
  return nanoseconds / 1e6;
}
