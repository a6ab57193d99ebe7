/** A process that explores one part of a subject after the other, as it is told to. */
import { explore, type SimulationProgress, type SimulationReport } from 'setpoint/testing';
import { subjects } from './subjects.ts';

/** A share in the search over one subject. */
export interface Part {
  readonly subject: string;
  readonly depth: 1 | 'deeper';
  readonly schedules: number;
  readonly seed: number;
  readonly double: number;
  /** Real milliseconds. */
  readonly ms: number;
}

/** What a process says while it explores a part, and what in the end. */
export type PartMessage = { readonly progress: SimulationProgress } | PartReport;

export interface PartReport {
  readonly report: SimulationReport;
  readonly cpuSeconds: number;
}

const cpuSeconds = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

/** Milliseconds between two messages of how far a part is. */
const TELL_EVERY_MS = 1000;
let toldAt = 0;

process.on('disconnect', () => process.exit());
process.on(
  'message',
  (part: Part) => void explored(part).then((report) => process.send!(report satisfies PartMessage)),
);

function tell(progress: SimulationProgress): void {
  if (performance.now() - toldAt < TELL_EVERY_MS) return;
  toldAt = performance.now();
  process.send!({ progress } satisfies PartMessage);
}

async function explored({ subject, depth, schedules, seed, double, ms }: Part): Promise<PartReport> {
  const began = cpuSeconds();
  const report = await explore({
    ...subjects.find(({ name }) => name === subject)!,
    depth,
    budget: { schedules, ms },
    seed,
    doubleEvery: double,
    failuresMax: 5,
    onProgress: tell,
  });
  return { report, cpuSeconds: cpuSeconds() - began };
}
