import { defineResource, type ObjectOf } from 'setpoint';
import { z } from 'zod';

/**
 * The kinds. A Deployment is what a person writes; it keeps one ReplicaSet for each version of its template; a
 * ReplicaSet keeps so many Processes; the scheduler gives each Process a Node; the agent of that Node runs it. A Service
 * is one address in front of many Processes; an Autoscaler sets the replicas of a Deployment by how busy they are.
 */
const group = 'example.setpoint.dev';
const version = 'v1';

/** A question put to a program over and over: an HTTP GET that must be answered with a status below 400. */
const probe = z.object({
  path: z.string().startsWith('/').default('/'),
  /** How long to wait after the program said that it is ready. */
  initialDelayMs: z.int().min(0).max(600_000).default(0),
  periodMs: z.int().min(50).max(600_000).default(1_000),
  timeoutMs: z.int().min(10).max(60_000).default(1_000),
  /** After so many failures in a row it counts as failed; one success mends that. */
  failureThreshold: z.int().min(1).max(100).default(3),
});

/** What to run, and how to treat it. */
const program = z.object({
  /** The program and its arguments, found on the agent's PATH and run in its directory. */
  command: z.array(z.string().min(1)).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** The port to listen on; 0 lets the operating system choose a free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** A program that is not ready by then is killed and counts as failed. */
  readyTimeoutMs: z.int().min(100).max(60_000).default(10_000),
  /** How long it may take to stop after SIGTERM; then it is killed. */
  stopGraceMs: z.int().min(0).max(20_000).default(2_000),
  /** Whether it is started again after it ended; OnFailure: unless with exit code 0. */
  restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
  /** What it is expected to need: a Node takes no more than it has. Nothing holds it to that. */
  resources: z
    .object({ cpuMilli: z.int().min(0).default(0), memoryMiB: z.int().min(0).default(0) })
    .default({ cpuMilli: 0, memoryMiB: 0 }),
  /** While it fails, the program gets no requests. */
  readinessProbe: probe.optional(),
  /** When it fails, the program is ended and started again. */
  livenessProbe: probe.optional(),
});

const text = z.record(z.string(), z.string()).default({});

/** A program, and the labels and annotations that each of its Processes gets. */
const template = program.extend({ labels: text, annotations: text });

/** A count, or a share of the replicas such as `25%`. */
const share = z.union([z.int().min(0).max(100), z.string().regex(/^\d{1,3}%$/, 'expected a percentage such as 25%')]);

export const Deployment = defineResource({
  group,
  version,
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  spec: z
    .object({
      replicas: z.int().min(0).max(1_000).default(1),
      /** How many replicas more than wanted may exist while a new version rolls out; a share is rounded up. */
      maxSurge: share.default(1),
      /** How many replicas fewer than wanted may answer while a new version rolls out; a share is rounded down. */
      maxUnavailable: share.default(0),
      /** How many earlier versions can be gone back to. */
      revisionHistoryLimit: z.int().min(0).max(100).default(10),
      /** A rollout that gets no further for so long is said to have failed. It still goes on when it can. */
      progressDeadlineMs: z.int().min(100).default(600_000),
      /** Changes of the template wait. */
      paused: z.boolean().default(false),
      template: template.refine(({ restartPolicy }) => restartPolicy === 'Always', {
        message: 'a Deployment keeps its programs running: only Always makes sense',
        path: ['restartPolicy'],
      }),
    })
    .refine(({ maxSurge, maxUnavailable }) => maxSurge !== 0 || maxUnavailable !== 0, {
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
    /** The number of the wanted version: counts up with each rollout, also with one back. */
    revision: z.int().optional(),
    /** When the rollout last got further, RFC 3339. */
    progressedAt: z.string().optional(),
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
  spec: program.extend({
    /** Where it runs; the scheduler fills it in, once. */
    nodeName: z.string().optional(),
  }),
  status: z.object({
    phase: z.enum(['Pending', 'Starting', 'Running', 'BackOff', 'Stopping', 'Completed', 'Failed', 'Unknown']),
    ready: z.boolean(),
    pid: z.int().optional(),
    port: z.int().optional(),
    restarts: z.int(),
    /** How busy the program says it is: requests a second, for a helloworld. */
    load: z.number().optional(),
  }),
});

export const Node = defineResource({
  group,
  version,
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  scope: 'Cluster',
  spec: z.object({
    /** How many processes it takes at most. */
    capacity: z.int().min(0).default(100),
    cpuMilli: z.int().min(0).default(16_000),
    memoryMiB: z.int().min(0).default(16_384),
    /** It keeps what it has and gets nothing new. */
    unschedulable: z.boolean().default(false),
  }),
  status: z.object({
    /** Whether its agent lives: its lease is there. */
    ready: z.boolean(),
    /** Where its agent answers, such as for logs. */
    address: z.string().optional(),
    /** When its agent was found to be gone, RFC 3339. */
    silentSince: z.string().optional(),
  }),
});

export const Service = defineResource({
  group,
  version,
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  spec: z.object({
    /** The labels of the Processes that it is in front of. */
    selector: z.record(z.string(), z.string()).refine((labels) => Object.keys(labels).length > 0, 'name a label'),
    /** The port on loopback; 0 lets the operating system choose a free one. */
    port: z.int().min(0).max(65_535).default(0),
  }),
  status: z.object({ port: z.int().optional(), endpoints: z.array(z.string()) }),
});

export const Autoscaler = defineResource({
  group,
  version,
  kind: 'Autoscaler',
  plural: 'autoscalers',
  shortNames: ['hpa'],
  spec: z
    .object({
      /** The name of the Deployment. */
      deployment: z.string(),
      minReplicas: z.int().min(1).default(1),
      maxReplicas: z.int().min(1).max(1_000),
      /** How busy each replica is to be, on average. */
      targetLoad: z.number().positive(),
      /** Only what was wanted all this time makes it smaller. */
      stabilizationMs: z.int().min(0).default(30_000),
    })
    .refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
      message: 'minReplicas must not be above maxReplicas',
      path: ['minReplicas'],
    }),
  status: z.object({ currentReplicas: z.int(), desiredReplicas: z.int(), load: z.number().optional() }),
});

export const kinds = [Deployment, ReplicaSet, Process, Node, Service, Autoscaler] as const;

export type Deployment = ObjectOf<typeof Deployment>;
export type ReplicaSet = ObjectOf<typeof ReplicaSet>;
export type Process = ObjectOf<typeof Process>;
export type Node = ObjectOf<typeof Node>;
export type Service = ObjectOf<typeof Service>;
export type Autoscaler = ObjectOf<typeof Autoscaler>;
