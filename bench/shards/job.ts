import { defineResource } from 'setpoint';
import { z } from 'zod';

/** What the replicas share: a number that each reconcile raises. */
export const Job = defineResource({
  group: 'bench.dev',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  spec: z.object({}),
  status: z.object({
    runs: z.int(),
    /** The fencing token of who wrote it. */
    token: z.string(),
  }),
});

/** How one replica is started. */
export interface ReplicaSetup {
  readonly endpoint: string;
  readonly identity: string;
  readonly slots: number;
  readonly leaseDurationMs: number;
  readonly workers: number;
  readonly ioMs: number;
  readonly againMs: number;
  /** A file for when it worked on what; absent: it only counts. */
  readonly record?: string;
}

/** A line of the record: a reconcile began, or ended. */
export interface WorkLine {
  readonly key: string;
  readonly at: number;
  readonly type: 'began' | 'ended';
  /** Whether its write was carried out, when it ended. */
  readonly wrote?: boolean;
}
