import { etcdStore } from '@setpoint/etcd';
import fc from 'fast-check';
import { combineWrites, memoryStore, type Operation, type Store } from 'setpoint/store';
import { FakeClock, type Random, seededRandom } from 'setpoint/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CombiningStore } from '../../../packages/setpoint/src/store/combining/combine-writes.ts';
import { type Footprint, footprintOf } from '../../../packages/setpoint/src/store/combining/footprint.ts';
import { availableEtcds, type EtcdServer, startEtcd } from '../../harness/etcd-server.ts';
import { checkProgram, programs, type Step } from './programs.ts';
import { freshPrefix } from '../fixture.ts';

/** How many programs each store is tried with, and the first seed; a failure names its seed and its program. */
const RUNS = Number(process.env['SETPOINT_SEQUENCES'] ?? 300);
const SEED = Number(process.env['SETPOINT_SEED'] ?? 1);

/** What combining would be without the rule that a compare or a read keeps others from writing there. */
const withoutReads = (operation: Operation): Footprint => ({
  ...footprintOf(operation),
  readKeys: [],
  readRanges: [],
});

/** Lets each write arrive, and its answer come back, a few turns of the event loop late. */
function slowed(store: Store, random: Random): Store {
  const late =
    <Request, Answer>(call: (request: Request) => Promise<Answer>) =>
    async (request: Request): Promise<Answer> => {
      const turns = async (): Promise<void> => {
        for (let turn = Math.floor(random.next() * 4); turn > 0; turn--) await new Promise((go) => setImmediate(go));
      };
      await turns();
      // A refusal has to be late too.
      const answer = call(request);
      await Promise.allSettled([answer]);
      await turns();
      return answer;
    };
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const bound = value.bind(target) as (request: unknown) => Promise<unknown>;
      return ['put', 'delete', 'txn'].includes(property as string) ? late(bound) : bound;
    },
  });
}

/** Counts the writing calls. */
function counted(store: Store, count: { calls: number }): Store {
  return new Proxy(store, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (['put', 'delete', 'txn'].includes(property as string)) count.calls++;
      return value.bind(target) as unknown;
    },
  });
}

interface Under {
  readonly store: Store;
  readonly lease: bigint;
}

/** Tries many programs; `open` gives the store for each. */
const property = (open: (maxInFlight: number) => Promise<Under>, count = { writes: 0 }) =>
  fc.asyncProperty(programs, fc.integer({ min: 1, max: 4 }), async (program: readonly Step[], maxInFlight) => {
    const { store, lease } = await open(maxInFlight);
    const { made } = await checkProgram(store, program, freshPrefix(), lease);
    count.writes += made.length;
  });

async function overMemory(combine: (store: Store) => Store): Promise<Under> {
  const memory = memoryStore({ clock: new FakeClock() });
  const { id: lease } = await memory.leaseGrant({ ttlSeconds: 1000, id: 5n });
  return { store: combine(slowed(memory, seededRandom(SEED))), lease };
}

describe('combined writes have the outcomes of some serial order', () => {
  it(`over memoryStore, in ${RUNS} programs`, async () => {
    const count = { calls: 0, writes: 0 };
    const open = (maxInFlight: number): Promise<Under> =>
      overMemory((store) => combineWrites(counted(store, count), { maxInFlight }));
    await fc.assert(property(open, count), { numRuns: RUNS, seed: SEED });
    expect(count.writes, 'some did travel together').toBeGreaterThan(count.calls);
  });

  it('and not without the rule about what others compare and read', async () => {
    const broken = (store: Store): Store => new CombiningStore(store, { maxInFlight: 1 }, withoutReads);
    const { failed } = await fc.check(
      property(() => overMemory(broken)),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});

for (const version of await availableEtcds()) {
  describe(`combined writes on etcd ${version} have the outcomes of some serial order`, () => {
    let server: EtcdServer;
    let raw: Store;
    let lease: bigint;
    beforeAll(async () => {
      server = await startEtcd({ version });
      raw = etcdStore({ endpoints: server.endpoints, combineWrites: false });
      lease = (await raw.leaseGrant({ ttlSeconds: 10_000 })).id;
    });
    afterAll(async () => {
      await raw.close();
      await server.dispose();
    });

    it(
      `in ${RUNS} programs`,
      async () => {
        await fc.assert(
          property(async (maxInFlight) => ({ store: combineWrites(raw, { maxInFlight }), lease })),
          { numRuns: RUNS, seed: SEED },
        );
      },
      120_000 + RUNS * 500,
    );

    it('and not without the rule about what others compare and read', async () => {
      const broken = new CombiningStore(raw, { maxInFlight: 1 }, withoutReads);
      const { failed } = await fc.check(
        property(async () => ({ store: broken, lease })),
        { numRuns: RUNS, seed: SEED, endOnFailure: true },
      );
      expect(failed).toBe(true);
    });
  });
}
