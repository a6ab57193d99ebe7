import { systemClock } from 'setpoint/workqueue';

/** One thing that is measured. */
export interface Contestant {
  readonly name: string;
  /**
   * Called once, untimed. What it returns is called once for each round, timed, and does that many cycles. It should
   * keep its queue from round to round, as a program does: V8 throws away the fast code of objects that are all gone.
   */
  start(): (cycles: number) => void | Promise<void>;
}

/** Contestants that do the same work, so that their rates may be compared. */
export interface Scenario {
  readonly name: string;
  /** How often the work is done in one round. */
  readonly cycles: number;
  readonly rounds: number;
  /** Collects garbage before each turn: for contestants that leave much of it, and rounds that are short beside it. */
  readonly collectsEachTurn?: boolean;
  readonly contestants: readonly Contestant[];
}

export interface Measurement {
  readonly scenario: string;
  readonly contestant: string;
  /** Cycles per second, one for each round, in the order of the rounds. */
  readonly rates: readonly number[];
}

/** Collecting a large heap takes longer than a round. */
const GC_EVERY = 10;

/**
 * Runs the contestants in turn, many rounds over, so that all of them meet the machine's quiet and busy moments. Rounds
 * should be as short as a processor is left to one process at a time, some milliseconds: then the fastest of many says
 * what the code can do, also on a busy machine.
 */
export async function measure({
  name,
  cycles,
  rounds,
  contestants,
  collectsEachTurn = false,
}: Scenario): Promise<Measurement[]> {
  const rates = contestants.map((): number[] => []);
  const works = contestants.map((contestant) => contestant.start());
  const uncounted = 2;
  for (let round = -uncounted; round < rounds; round++) {
    for (let turn = 0; turn < works.length; turn++) {
      // Each begins a round as often as the others: what one leaves behind is not always the same one's to bear.
      const index = (turn + round + uncounted) % works.length;
      const work = works[index]!;
      if (collectsEachTurn || round % GC_EVERY === 0) collectGarbage();
      const start = systemClock.now();
      await work(cycles);
      const seconds = (systemClock.now() - start) / 1000;
      if (round >= 0) rates[index]!.push(cycles / seconds);
    }
  }
  return contestants.map((contestant, index) => {
    return { scenario: name, contestant: contestant.name, rates: rates[index]! };
  });
}

/** One contestant's garbage is not to be collected in the next one's time. */
export function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error('run with node --expose-gc, as `npm run bench` does');
  gc();
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which `share` of them are. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
