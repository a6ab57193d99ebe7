import fc from 'fast-check';
import { anyMethod, arbitraryCall, fill, leasedPut, livingLease, numberedLease } from './arbitrary-calls.ts';
import type { Call, Manner, Step } from './call.ts';
import { REFUSED_CALLS } from './refused-calls.ts';
import { startingLong } from './starting-long.ts';

/** How many calls every sequence has at least. */
export const MIN_CALLS = 20;
const MAX_CALLS = 26;

const template = (call: Call): Step => ({ template: call });
const inManner = ([call, manner]: [Call, Manner]): Step => ({ template: call, manner });

function step(ttlSeconds: fc.Arbitrary<number>): fc.Arbitrary<Step> {
  const call = arbitraryCall(ttlSeconds);
  return fc.oneof(
    { weight: 950, arbitrary: call.map(template) },
    { weight: 20, arbitrary: fc.tuple(call, fc.constantFrom<Manner[]>('alone', 'timed')).map(inManner) },
    { weight: 20, arbitrary: fc.tuple(anyMethod, fc.constantFrom<Manner[]>('aborted', 'closed')).map(inManner) },
    { weight: 15, arbitrary: fc.constantFrom(...REFUSED_CALLS).map((refused) => ({ verbatim: refused })) },
  );
}

const longLease = fc.constantFrom(60, 1000, 9_000_000_000);
/** etcd raises both to its minimum of 2 s. */
const shortLease = fc.constantFrom(1, 2);

/** A sequence in which no lease runs out. */
export const plainSequence: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(fill.map(template), { maxLength: 1 }),
    startingLong(fc.array(step(longLease), { maxLength: MAX_CALLS, size: 'max' }), MIN_CALLS),
  )
  .map(([first, steps]) => [...first, ...steps]);

/** Leases are granted and used, then all but some run out in real time, then it goes on. */
export const expiringSequence: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(numberedLease, { minLength: 1, maxLength: 4 }),
    fc.tuple(shortLease, shortLease),
    startingLong(
      fc.array(
        fc.oneof(
          { weight: 1, arbitrary: leasedPut.map(template) },
          { weight: 2, arbitrary: step(fc.oneof(shortLease, longLease)) },
        ),
        { maxLength: 16, size: 'max' },
      ),
      12,
    ),
    fc.array(livingLease, { maxLength: 2 }),
    startingLong(fc.array(step(longLease), { maxLength: 12, size: 'max' }), 8),
  )
  .map(([ids, ttls, before, renew, after]) => [
    ...ids.map((id, index) => template({ leaseGrant: { id, ttlSeconds: ttls[index % 2]! } })),
    ...before,
    { expiry: { renew } },
    ...after,
  ]);
