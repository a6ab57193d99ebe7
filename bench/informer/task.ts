/** What a measured process is asked to do, and what it answers. */

export type ContestantName = 'setpoint' | 'setpoint, resource' | 'setpoint, unread' | 'client-node';

export interface Task {
  readonly contestant: ContestantName;
  readonly port: number;
  readonly keys: number;
  readonly handlers: number;
  readonly events: number;
  /** One more handler never returns from its first call. */
  readonly blocked: boolean;
}

/** Of one task, of the process that did it alone. */
export interface Figures {
  /** From start until the cache is whole and every handler has its initial list. */
  readonly syncMs: number;
  readonly syncCpuMs: number;
  /** The most memory that the process had until then, over what it had before. */
  readonly syncPeakMb: number;
  /** How late the event loop was while listing: of 100 moments, all but one were less so. */
  readonly syncDelayP99Ms: number;
  readonly syncDelayMaxMs: number;
  /** Heap and external memory after the list, over what there was before, for each object. */
  readonly bytesPerObject: number;
  /** From the first event to the last, at every handler. */
  readonly eventsMs: number;
  readonly eventsCpuMs: number;
  readonly eventsDelayP99Ms: number;
  /** How much more heap and external memory there is after the events than before them. */
  readonly eventsGrowthMb: number;
}

/** A contestant that fails says why. */
export interface Failure {
  readonly failed: string;
}
