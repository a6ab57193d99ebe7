import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

/**
 * What setpoint tells Node's diagnostics channels, beside `setpoint:reconcile` (see `setpoint/controller`). Nobody
 * listening costs one comparison. Messages carry names, keys and revisions, never values.
 */

/** One conditional write of an object, from its call to its answer. */
export interface WriteTrace {
  readonly kind: string;
  readonly key: string;
  /** Set when it was applied. With it goes everything that this write leads to. */
  revision?: bigint;
}

/** A batch of changes that a cache has taken in, before its handlers are told. */
export interface WatchMessage {
  /** The informer's name: for caches of objects, the kind. */
  readonly informer: string;
  /** The cache is at this revision now. */
  readonly revision: bigint;
  readonly changes: number;
}

export interface ManagerMessage {
  readonly state: 'new' | 'starting' | 'standby' | 'ready' | 'stopping' | 'stopped';
}

/** `tracing:setpoint:write:start`, `:end`, `:asyncStart`, `:asyncEnd` and `:error`. */
export const writeChannel: TracingChannel<WriteTrace, WriteTrace> = tracingChannel('setpoint:write');

/** `setpoint:watch`, of {@link WatchMessage}. */
export const watchChannel: Channel = channel('setpoint:watch');

/** `setpoint:manager`, of {@link ManagerMessage}. */
export const managerChannel: Channel = channel('setpoint:manager');
