import { type Client, defineResource } from 'setpoint';
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
  /** What it was told when it wasn't. */
  readonly code?: string;
}

/** Where the replicas hold their slots, one line for each. */
export const SLOTS_PREFIX = '/registry/_coordination/shards/bench/slots/';
export const SHARDS_NAME = 'bench';

/** A few hundred at a time: more would wait for each other beyond a call's time limit. */
const AT_ONCE = 200;

export async function createJobs(client: Client, count: number): Promise<void> {
  const jobs = client.resource(Job);
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    await Promise.all(Array.from({ length: size }, (_, at) => jobs.create({ name: `job-${from + at}`, spec: {} })));
  }
}
