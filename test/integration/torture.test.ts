import { expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { allRows } from '../torture/rows.ts';
import { runRow } from '../torture/run-row.ts';

/** The short form of `npm run torture`: each row once on one of the versions, with another seed each time. */
const seed = Math.floor(Math.random() * 2 ** 31);
const versions = await availableEtcds();

for (const [index, row] of (await allRows()).entries()) {
  const able = versions.filter((version) => row.versions?.includes(version) ?? true);
  if (able.length === 0) continue;
  const version = able[(index + seed) % able.length]!;
  const run = row.exclusive ? it.sequential : it.concurrent;
  run(`${row.id}: ${row.title}, on etcd ${version}`, { timeout: 180_000 }, async () => {
    const { failures } = await runRow(row, { version, cycles: 1, seed });
    expect(failures, `seed ${seed}`).toEqual([]);
  });
}
