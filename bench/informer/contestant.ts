/** Handlers that do nothing but count. */
import type { Task } from './task.ts';

/** A cache that counts what its handlers are told. */
export interface Contestant {
  /** Lists everything; resolves when the cache is whole and the handlers have been told. */
  sync(): Promise<void>;
  /** How many updates the slowest handler was told so far. */
  updates(): number;
  /** How many objects the cache has, and how many of them the index files under one value, if there is an index. */
  size(): { readonly all: number; readonly indexed: number };
  stop(): Promise<void>;
}

/** Handlers that do nothing but count. */
export class Counters {
  readonly adds: number[];
  readonly updates: number[];
  constructor({ handlers }: Pick<Task, 'handlers'>) {
    this.adds = Array<number>(handlers).fill(0);
    this.updates = Array<number>(handlers).fill(0);
  }
  least(of: 'adds' | 'updates'): number {
    return Math.min(...this[of]);
  }
}
