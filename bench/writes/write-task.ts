/** What a measured process is asked to do, and what it answers. */

export const ways = ['combined', 'one by one'] as const;
/** How the store sends writes that wait at the same moment. */
export type Way = (typeof ways)[number];

export interface WriteTask {
  readonly way: Way;
  readonly endpoint: string;
  /** How many writes are under way all the time, each of a key of its own. */
  readonly writers: number;
  readonly valueBytes: number;
  /** Not measured: connections are made and code is compiled meanwhile. */
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface WriteFigures {
  readonly perSecond: number;
  /** Of this process, for each write. */
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
