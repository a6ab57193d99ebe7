/**
 * What happened to one lock and its counter in one fault window. Times are milliseconds of the machine's monotonic
 * clock, which all of its processes share.
 */
export interface History {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Every version that the store has had of the counter, in the order of revisions. */
  readonly versions: readonly Version[];
}

/**
 * One operation of one client. An increment reads the counter, and writes one more, both under the lock: its interval
 * goes from before the read to after the write's answer.
 */
export interface Operation {
  /** Unlike any other in its history; for increments the counter's value carries it. */
  readonly id: string;
  readonly kind: 'increment' | 'read';
  readonly invokedAt: number;
  /** Absent where no answer came: the process was killed, or gave up. */
  readonly returnedAt?: number;
  /** `refused`: the client was told that nothing was written. `unknown`: it wasn't told anything for certain. */
  readonly outcome: 'ok' | 'refused' | 'unknown';
  /** Of an unknown increment: whether it is among the versions, where these were read after everything had ended. */
  readonly written?: boolean;
  /** What was read, or written. */
  readonly value: number;
  /** Of an answered increment: when it was committed. Of a read: as of when it is true. */
  readonly revision?: number;
}

/** What the counter's key held from one revision on. */
export interface Version {
  readonly revision: number;
  readonly value: number;
  /** The increment that wrote it. */
  readonly id: string;
  /** The revision that made the lock key of its writer: owners that came later have larger ones. */
  readonly token: number;
}
