import type { Cycle } from './cycle.ts';

/** One row of the fault catalogue, as something that can be made to happen again and again. */
export interface Row {
  /** The row's number in the catalogue, such as `F-22`. */
  readonly id: string;
  /** The last of the numbers that it is about, where these are several in a row. */
  readonly last?: string;
  /** The fault, and what must hold. */
  readonly title: string;
  /** The minors of etcd that it can be made to happen on. Default: all that are there. */
  readonly versions?: readonly string[];
  /** Changes something that the whole process shares, so nothing else may run meanwhile. */
  readonly exclusive?: boolean;
  /** Makes the fault happen once, as the cycle's seed has it, and throws what did not hold. */
  cycle(cycle: Cycle): Promise<void>;
  /**
   * The same fault under the default client of the etcd3 package, where that shows how sensitive the row is. Throws
   * what did not hold.
   */
  readonly etcd3?: (cycle: Cycle) => Promise<void>;
}
