import { Scope } from '../harness/scope.ts';
import { Cycle, RowRun } from './cycle.ts';
import type { Row } from './row.ts';

/** How a row went on one version. */
export interface RowOutcome {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  readonly members: number;
  readonly cycles: number;
  readonly held: number;
  readonly seconds: number;
  /** What did not hold, with the number of the cycle. */
  readonly failures: readonly { readonly cycle: number; readonly what: string }[];
  /** The largest of what cycles measured. */
  readonly worst: Readonly<Record<string, number>>;
}

export interface RunRowOptions {
  readonly version: string;
  /** How many members the servers have, of rows that don't say it themselves. Default 1. */
  readonly members?: 1 | 3;
  readonly cycles: number;
  readonly seed: number;
  /** The first cycle; with a failed cycle's number and the same seed that one is made again. Default 0. */
  readonly first?: number;
  readonly client?: 'setpoint' | 'etcd3';
  /** Called after each cycle with how many there were, and how many of them held. */
  readonly onCycle?: (done: number, held: number) => void;
}

/** No cycle may hang for longer. */
const CYCLE_MAX_MS = 120_000;

/** Runs the cycles of a row one after the other, also after one failed. */
export async function runRow(row: Row, options: RunRowOptions): Promise<RowOutcome> {
  const { version, cycles, seed, first = 0 } = options;
  const run = new RowRun(version, options.members);
  const failures: { cycle: number; what: string }[] = [];
  const startedAt = performance.now();
  try {
    for (let number = first; number < first + cycles; number++) {
      const what = await runCycle(row, run, number, seed, options.client ?? 'setpoint');
      if (what !== undefined) failures.push({ cycle: number, what });
      const done = number - first + 1;
      options.onCycle?.(done, done - failures.length);
    }
  } finally {
    await run.dispose();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { id, title } = row;
  const held = cycles - failures.length;
  return {
    id,
    title,
    version,
    members: run.members,
    cycles,
    held,
    seconds,
    failures,
    worst: Object.fromEntries(run.worst),
  };
}

/** What did not hold, if anything. */
async function runCycle(
  row: Row,
  run: RowRun,
  number: number,
  seed: number,
  client: 'setpoint' | 'etcd3',
): Promise<string | undefined> {
  const scope = new Scope();
  const cycle = new Cycle(run, number, cycleSeed(seed, row.id, number), scope);
  let what: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the cycle took more than ${CYCLE_MAX_MS} ms`)), CYCLE_MAX_MS);
  });
  try {
    await Promise.race([client === 'etcd3' ? row.etcd3!(cycle) : row.cycle(cycle), late]);
  } catch (error) {
    what = describe(error);
  } finally {
    clearTimeout(timer);
  }
  await scope.dispose().catch((error: unknown) => (what ??= `cleaning up: ${describe(error)}`));
  return what;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` (${describe(error.cause)})`;
  return `${error.message}${cause}`;
}

/** Each cycle has a seed of its own, so that one can be made again without those before it. */
function cycleSeed(seed: number, id: string, number: number): number {
  let mixed = seed >>> 0;
  for (const character of `${id}/${number}`)
    mixed = (Math.imul(mixed ^ character.codePointAt(0)!, 0x01000193) >>> 0) + 1;
  return mixed >>> 0;
}
