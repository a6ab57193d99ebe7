import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { rows } from '../torture/rows.ts';
import { runRow } from '../torture/run-row.ts';

/** The short form of `npm run torture`: each row once, with another seed each time. */
const seed = Number(process.env['TORTURE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const cycles = Number(process.env['TORTURE_CYCLES'] ?? 1);

describe.each(await availableEtcds())('torture on etcd %s', { timeout: 180_000 * cycles }, (version) => {
  for (const row of rows) {
    if (row.versions && !row.versions.includes(version)) continue;
    it.concurrent(`${row.id}: ${row.title}`, async () => {
      const { failures, worst } = await runRow(row, { version, cycles, seed });
      if (process.env['TORTURE_SHOW']) console.log(version, row.id, worst);
      expect(failures, `seed ${seed}`).toEqual([]);
    });
  }
});
