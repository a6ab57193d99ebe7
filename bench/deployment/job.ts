/** The job of the deployment benchmark: what is created, and what its processes are asked for and answer. */

export const contestants = ['setpoint', 'etcd3'] as const;
export type ContestantName = (typeof contestants)[number];

/** The two programs beside etcd that a cluster has; all simulated nodes are one. */
export const parts = ['control-plane', 'nodes'] as const;
export type PartName = (typeof parts)[number];

export interface Task {
  readonly contestant: ContestantName;
  readonly part: PartName;
  readonly endpoint: string;
  readonly prefix: string;
  /** How many Nodes there are, each with room for `capacity` Processes. */
  readonly nodes: number;
  readonly capacity: number;
}

/** What a part measured of itself from `begin` to `end`. */
export interface PartFigures {
  readonly cpuMs: number;
  readonly peakMb: number;
  /** How late the event loop was, looking once every millisecond. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

/** What one run of one contestant came to. */
export interface RunFigures {
  /** From the first Deployment's creation to the last one's status that says all of its Processes answer. */
  readonly readyMs: number;
  /** From the first to the last creation, which takes part of that time. */
  readonly createMs: number;
  /** Keys that etcd had to write for it in all. */
  readonly writes: number;
  readonly parts: Readonly<Record<PartName, PartFigures>>;
  readonly etcd: { readonly cpuMs: number; readonly peakMb: number };
}

export const nodeName = (index: number): string => `node-${String(index).padStart(3, '0')}`;
