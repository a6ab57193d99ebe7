import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { rows } from '../torture/informer-rows.ts';
import { runRow } from '../torture/run-row.ts';

/** The short form of `npm run torture -- --rows F-34 --cycles 1000`. */
const seed = Math.floor(Math.random() * 2 ** 31);

describe.each(await availableEtcds())('the output of an informer through faults, on etcd %s', (version) => {
  it('I-169, I-170, I-171, I-172, I-173, I-174, I-175, I-176: ordered, unique, atomic, reliable, resumed, complete at each mark, filtered, true', async () => {
    const { failures } = await runRow(rows[0]!, { version, cycles: 12, seed });
    expect(failures, `seed ${seed}`).toEqual([]);
  });
});
