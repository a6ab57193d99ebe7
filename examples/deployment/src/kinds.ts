import { defineResource, type ObjectOf } from 'setpoint';
import { z } from 'zod';

/**
 * The four kinds. A Deployment is what a person writes; it keeps one ReplicaSet for each version of its template; a
 * ReplicaSet keeps so many Processes; the scheduler gives each Process a Node; and the agent of that Node runs it.
 */
const group = 'example.setpoint.dev';
const version = 'v1';

/** What to run, and how to treat it. */
const template = z.object({
  /** The program and its arguments, found on the agent's PATH and run in its directory. */
  command: z.array(z.string().min(1)).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** The port to listen on; 0 lets the operating system choose a free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** A program that is not ready by then is killed and counts as failed. */
  readyTimeoutMs: z.int().min(100).max(60_000).default(10_000),
  /** How long it may take to stop after SIGTERM; then it is killed. */
  stopGraceMs: z.int().min(0).max(20_000).default(2_000),
});

export const Deployment = defineResource({
  group,
  version,
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  spec: z
    .object({
      replicas: z.int().min(0).max(100).default(1),
      /** How many replicas more than wanted may exist while a new version rolls out. */
      maxSurge: z.int().min(0).max(100).default(1),
      /** How many replicas fewer than wanted may answer while a new version rolls out. */
      maxUnavailable: z.int().min(0).max(100).default(0),
      template,
    })
    .refine(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0, {
      message: 'maxSurge and maxUnavailable must not both be zero: no replica could ever be replaced',
      path: ['maxSurge'],
    }),
  status: z.object({
    /** Replicas that exist, of all versions. */
    replicas: z.int(),
    /** Replicas of the wanted version. */
    updated: z.int(),
    /** Replicas that answer, of all versions. */
    ready: z.int(),
  }),
});

export const ReplicaSet = defineResource({
  group,
  version,
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  spec: z.object({ replicas: z.int().min(0), template }),
  status: z.object({ replicas: z.int(), ready: z.int() }),
});

export const Process = defineResource({
  group,
  version,
  kind: 'Process',
  plural: 'processes',
  shortNames: ['proc'],
  spec: template.extend({
    /** Where it runs; the scheduler fills it in, once. */
    nodeName: z.string().optional(),
  }),
  status: z.object({
    phase: z.enum(['Pending', 'Starting', 'Running', 'BackOff', 'Stopping', 'Unknown']),
    ready: z.boolean(),
    pid: z.int().optional(),
    port: z.int().optional(),
    restarts: z.int(),
  }),
});

export const Node = defineResource({
  group,
  version,
  kind: 'Node',
  plural: 'nodes',
  scope: 'Cluster',
  spec: z.object({
    /** How many processes it takes at most. */
    capacity: z.int().min(0).default(100),
  }),
  status: z.object({
    /** When its agent last gave a sign of life, by the agent's clock, RFC 3339. Empty once it has said goodbye. */
    heartbeat: z.string(),
  }),
});

export const kinds = [Deployment, ReplicaSet, Process, Node] as const;

export type Deployment = ObjectOf<typeof Deployment>;
export type ReplicaSet = ObjectOf<typeof ReplicaSet>;
export type Process = ObjectOf<typeof Process>;
export type Node = ObjectOf<typeof Node>;
