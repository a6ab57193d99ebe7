import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { runShare } from './differential/share.ts';

/** The short form of `npm run conformance`: the same sequences from the same seed. */
const SEQUENCES = Number(process.env['SETPOINT_SEQUENCES'] ?? 240);
const SEED = Number(process.env['SETPOINT_SEED'] ?? 1);

for (const version of await availableEtcds()) {
  describe(`memoryStore against etcd ${version}`, () => {
    it(
      `answers ${SEQUENCES} random sequences alike, with compactions and leases that run out`,
      async () => {
        const numbers = Array.from({ length: SEQUENCES }, (_, index) => index + 1);
        const { failure, sequences, skipped } = await runShare({
          version,
          seed: SEED,
          numbers,
          lanes: 2,
          waitingLanes: 3,
        });
        if (failure) {
          const replay = `npm run conformance -- --etcd ${version} --seed ${SEED} --only ${failure.number}`;
          expect.fail(`${failure.message}\nreplay: ${replay}`);
        }
        expect(sequences + skipped).toBe(SEQUENCES);
        expect(skipped).toBeLessThanOrEqual(3);
      },
      120_000 + SEQUENCES * 1000,
    );
  });
}
