import type { Row } from './row.ts';
import type { RowOutcome } from './run-row.ts';

/** All rows on one version. */
export interface TortureRun {
  /** In full, such as 3.4.23. */
  readonly version: string;
  readonly members: number;
  readonly seed: number;
  readonly client: 'setpoint' | 'etcd3';
  readonly cycles: number;
  readonly outcomes: readonly RowOutcome[];
  readonly seconds: number;
}

/** So many different failures of a row are shown. */
const FAILURES_SHOWN = 3;

/** How a row went, for a terminal; what did not hold comes below, with how to see it again. */
export function outcomeLines(outcome: RowOutcome, seed: number): readonly string[] {
  const { id, title, version, members, cycles, held, seconds, failures } = outcome;
  const cluster = members === 1 ? '' : ` --members ${members}`;
  const counts = `${held} of ${cycles} held`;
  const line = [version, id.padEnd(6), counts.padEnd(20), `${seconds.toFixed(1)} s`.padStart(9), ` ${title}`];
  const worst = measured(outcome);
  return [
    line.join(' ') + (worst && ` [${worst}]`),
    ...failures
      .slice(0, FAILURES_SHOWN)
      .flatMap(({ cycle, what }) => [
        `    cycle ${cycle}: ${what}`,
        `    replay: npm run torture -- --rows ${id} --etcd ${version}${cluster} --seed ${seed} --first ${cycle}`,
      ]),
  ];
}

/** The line that one run comes down to, or several of the same rows on several versions. */
export function summaryOf(...runs: readonly [TortureRun, ...TortureRun[]]): string {
  const [{ members, seed, client }] = runs;
  const outcomes = runs.flatMap((run) => run.outcomes);
  const total = (of: (outcome: RowOutcome) => number): number => outcomes.reduce((sum, each) => sum + of(each), 0);
  const broken = new Set(outcomes.filter(({ failures }) => failures.length > 0).map(({ id }) => id));
  const versions = runs.map(({ version }) => version).join(' and ');
  return [
    `torture${client === 'etcd3' ? ' of the etcd3 client' : ''} on etcd ${versions}${members === 1 ? '' : ` × ${members}`}`,
    `seed ${seed}`,
    `${new Set(outcomes.map(({ id, title }) => `${id} ${title}`)).size} rows`,
    `${total(({ held }) => held)} of ${total(({ cycles }) => cycles)} cycles held`,
    broken.size === 0 ? 'every row held' : `not held: ${[...broken].join(' ')}`,
    `${Math.round(runs.reduce((sum, { seconds }) => sum + seconds, 0))} s`,
  ].join(', ');
}

/** The same as a page: one table over all versions. `command` is how it was made. */
export function markdownOf(runs: readonly TortureRun[], rows: readonly Row[], command: string): string {
  const head = ['row', 'fault, and what holds', ...runs.map(({ version }) => `etcd ${version}`), 'at worst'];
  const lines = rows.flatMap((row) => {
    const cells = runs.map(({ outcomes }) => outcomes.find((one) => one.id === row.id && one.title === row.title));
    if (cells.every((cell) => cell === undefined)) return [];
    const counts = cells.map((cell) => (cell === undefined ? 'not there' : `${cell.held} / ${cell.cycles}`));
    const worst = cells.map((cell) => (cell === undefined ? '' : measured(cell))).filter(Boolean);
    return [tableRow([row.id, row.title, ...counts, [...new Set(worst)].join('; ')])];
  });
  return [
    '# Torture',
    '',
    'Faults that are made to happen to real etcds, each again and again with other choices of time, place and size, and',
    'how many of those cycles held all that must hold. The rows are in `test/torture`. This page is written by',
    '',
    '```',
    command,
    '```',
    '',
    ...runs.map((run) => `- ${summaryOf(run)}`),
    '',
    tableRow(head),
    tableRow(head.map(() => '---')),
    ...lines,
    '',
  ].join('\n');
}

function measured({ worst }: RowOutcome): string {
  return Object.entries(worst)
    .map(([name, value]) => `${name} ${Math.round(value * 10) / 10}`)
    .join(', ');
}

const tableRow = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
