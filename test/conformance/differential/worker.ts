/** One process of a campaign: runs its share and tells the parent how it goes. Ends with the parent. */
import { runShare, type ShareOptions, type ShareResult } from './share.ts';

/** What the parent asks for: the numbers from `first` to `last`, every `step`-th. */
export interface WorkerTask extends Omit<ShareOptions, 'numbers' | 'onProgress'> {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export interface WorkerReport {
  readonly sequences: number;
  readonly operations: number;
  /** Set in the last report. */
  readonly result?: ShareResult;
  readonly error?: string;
}

const TELL_EVERY = 50;

function* numbersOf({ first, last, step }: WorkerTask): Generator<number> {
  for (let number = first; number <= last; number += step) yield number;
}

const tell = (report: WorkerReport): void => void process.send?.(report);

// Exiting runs the handlers that end this process's etcds.
for (const event of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(event, () => process.exit(1));

process.once('message', (task: WorkerTask) => {
  const onProgress: ShareOptions['onProgress'] = ({ sequences, operations }) => {
    if (sequences % TELL_EVERY === 0) tell({ sequences, operations });
  };
  void runShare({ ...task, numbers: numbersOf(task), onProgress })
    .then((result) => tell({ sequences: result.sequences, operations: result.operations, result }))
    .catch((error: unknown) => tell({ sequences: 0, operations: 0, error: String((error as Error).stack) }));
});
