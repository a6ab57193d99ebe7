import type { Clock } from 'setpoint';
import type { Process } from './kinds.ts';

/** What some processes need together. */
export interface Usage {
  readonly processes: number;
  readonly cpuMilli: number;
  readonly memoryMiB: number;
}

const NOTHING: Usage = { processes: 0, cpuMilli: 0, memoryMiB: 0 };

/** How old the sums may be. Adding up everything for each decision would take a time that grows with the square. */
const SUMS_OLD_MS = 100;

/**
 * What each Node has to carry: what is bound to it, and what was decided but may not be in the cache yet, or a burst
 * would overfill a Node. Between two times of adding up, decisions count at once and what is gone counts a moment
 * longer: a Node is never thought emptier than it is.
 */
export class Room {
  readonly #clock: Clock;
  /** The Node that was decided, by the Process's uid. */
  readonly #decided = new Map<string, string>();
  #sums = new Map<string, Usage>();
  #summedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** By the name of the Node. */
  usage(processes: () => readonly Process[]): ReadonlyMap<string, Usage> {
    const now = this.#clock.now();
    if (now - this.#summedAt >= SUMS_OLD_MS) {
      this.#sums = usageByNode(processes(), this.#decided);
      this.#summedAt = now;
    }
    return this.#sums;
  }

  /** The Process is on its way to the Node. */
  take(node: string, process: Process): void {
    this.#decided.set(process.metadata.uid, node);
    this.#sums.set(node, sum(this.#sums.get(node), needOf(process)));
  }

  /** What was decided of the Process counts no more: it did not get there, or is decided anew. */
  give(process: Process): void {
    if (this.#decided.delete(process.metadata.uid)) this.#summedAt = -Infinity;
  }
}

export function needOf({ spec }: Process): Usage {
  return { processes: 1, ...spec.resources };
}

export function sum(a: Usage = NOTHING, b: Usage = NOTHING): Usage {
  return {
    processes: a.processes + b.processes,
    cpuMilli: a.cpuMilli + b.cpuMilli,
    memoryMiB: a.memoryMiB + b.memoryMiB,
  };
}

/** What each Node's processes need, with those that are only `decided`; forgets the decisions that have arrived. */
export function usageByNode(processes: readonly Process[], decided: Map<string, string>): Map<string, Usage> {
  const usage = new Map<string, Usage>();
  const arrived = new Set(decided.keys());
  for (const process of processes) {
    const { spec, metadata } = process;
    const node = spec.nodeName ?? decided.get(metadata.uid);
    if (spec.nodeName === undefined) arrived.delete(metadata.uid);
    if (node !== undefined) usage.set(node, sum(usage.get(node), needOf(process)));
  }
  for (const uid of arrived) decided.delete(uid);
  return usage;
}
