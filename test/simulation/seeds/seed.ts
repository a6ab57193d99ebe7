import type { ExploreOptions } from 'setpoint/testing';

/** One known way to get a controller wrong, and the same controller got right. */
export interface Seed {
  readonly number: number;
  readonly title: string;
  /** The class of bug in the field that it is modelled on. */
  readonly modelledOn: string;
  /** What is run: with the bug, or its fixed twin. */
  subject(buggy: boolean): ExploreOptions;
}
