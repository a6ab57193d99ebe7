import { clusterRows } from './cluster-rows.ts';
import { contentRows } from './content-rows.ts';
import { historyRows } from './history-rows.ts';
import { networkRows } from './network-rows.ts';
import { processRows } from './process-rows.ts';
import type { Row } from './row.ts';
import { serverRows } from './server-rows.ts';

/** All rows, in the order of the catalogue. */
export const rows: readonly Row[] = [
  ...processRows,
  ...clusterRows,
  ...serverRows,
  ...networkRows,
  ...historyRows,
  ...contentRows,
].sort((a, b) => numberOf(a.id) - numberOf(b.id));

function numberOf(id: string): number {
  return Number(id.slice(2));
}
