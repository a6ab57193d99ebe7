import { describe, expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { type Random, seededRandom } from '../internal/random.ts';
import { textCodec } from '../resource/index.ts';
import { keyText, memoryStore, type Store, type WatchBatch, type WatchEvent } from '../store/index.ts';
import type { EventHandler } from './event-handler.ts';
import { createInformer, type Informer } from './informer.ts';

const PREFIX = '/r/';
const GARBAGE = Uint8Array.of(0xff);
const STEPS = 80;
const SEEDS = Number(process.env['SETPOINT_SEEDS'] ?? 80);
const FIRST_SEED = Number(process.env['SETPOINT_SEED'] ?? 1);

/** A store that can be broken and restored from a backup. Breaking it never loses or invents a revision. */
class FaultyStore {
  readonly store: Store;
  faulty = true;
  readonly #clock: FakeClock;
  readonly #random: Random;
  #real: Store;
  /** The history that the client was last in touch with: as etcd's driver does, another one is noticed at once. */
  #known: Store;
  #restored: (() => void)[] = [];

  constructor(clock: FakeClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    this.#real = this.#known = memoryStore({ clock, random });
    this.store = interposedStore(this.#real, {
      range: async (request, ask) => {
        void ask;
        if (this.#chance(0.1)) throw unavailable();
        const real = this.#connect();
        const answer = await real.range(request);
        await this.#delay();
        // A connection does not outlive the server that it was made to.
        if (real !== this.#real || this.#chance(0.1)) throw unavailable();
        return answer;
      },
      watch: (request, _open, { signal }) => this.#watch(request.startRevision ?? 0n, signal),
    });
  }

  get real(): Store {
    return this.#real;
  }

  /** Goes back to some of what there was, in a history of its own. */
  async restore(): Promise<void> {
    const { kvs } = await this.#real.range({ prefix: PREFIX });
    this.#real = memoryStore({ clock: this.#clock, random: this.#random });
    const losesPair = this.#chance(0.3, true);
    const isLost = (key: string): boolean => (key.includes('pair') ? losesPair : this.#chance(0.3, true));
    const kept = kvs.filter((kv) => !isLost(keyText(kv.key)));
    await this.#real.txn({ then: kept.map(({ key, value }) => ({ put: { key, value } })) });
    this.#restored.splice(0).forEach((tell) => tell());
  }

  async *#watch(startRevision: bigint, signal?: AbortSignal): AsyncGenerator<WatchBatch> {
    const real = this.#connect();
    const batches = real.watch({ prefix: PREFIX, startRevision }, signal ? { signal } : {});
    const iterator = batches[Symbol.asyncIterator]();
    const restored = new Promise<'restored'>((resolve) => this.#restored.push(() => resolve('restored')));
    let earlier: WatchEvent[] = [];
    for (;;) {
      if (this.#chance(0.1)) throw this.#pick([unavailable, unavailable, internal, compacted])();
      if (this.#chance(0.05)) return;
      const next = await Promise.race([iterator.next(), restored]);
      if (next === 'restored' || real !== this.#real) {
        this.#connect();
        throw new SetpointError('Internal', 'the connection outlived its server');
      }
      if (next.done === true) return;
      await this.#delay();
      const { revision, events } = next.value;
      const repeated = this.#chance(0.3) ? earlier : [];
      yield { revision, events: [...repeated, ...events, ...(this.#chance(0.2) ? events : [])] };
      earlier = this.#chance(0.5) ? [...events] : earlier;
    }
  }

  #connect(): Store {
    const same = this.#known === this.#real;
    this.#known = this.#real;
    if (!same) throw new SetpointError('HistoryReset', 'a backup was restored');
    return this.#real;
  }

  #chance(probability: number, always = false): boolean {
    return (this.faulty || always) && this.#random.next() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random.next() * from.length)]!;
  }

  async #delay(): Promise<void> {
    const ms = this.#random.next() * 300;
    if (this.#chance(0.3)) await new Promise<void>((resolve) => this.#clock.setTimer(resolve, ms));
  }
}

const unavailable = (): SetpointError => new SetpointError('Unavailable', 'cut');
const internal = (): Error => new TypeError('something odd');
const compacted = (): SetpointError => new SetpointError('Compacted', 'too old');

interface View {
  readonly name: string;
  readonly objects: Map<string, string>;
  readonly handler: EventHandler<string>;
  readonly broken: string[];
}

/** A handler that rebuilds the cache from what it is told, and notes what it should not have been told. */
function view(name: string, informer: Informer<string>, pace: () => void | Promise<void>): View {
  const objects = new Map<string, string>();
  const broken: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) broken.push(`${name}: ${what}`);
    const [left, right] = [informer.lister.get('pair/left'), informer.lister.get('pair/right')];
    if (left !== right) broken.push(`${name}: half a transaction seen`);
  };
  const handler: EventHandler<string> = {
    add(object, { key }) {
      check(!objects.has(key), `add of ${key}, which was there`);
      objects.set(key, object);
      return pace();
    },
    update(old, object, { key }) {
      check(objects.get(key) === old, `update of ${key} from a state that was not told`);
      objects.set(key, object);
      return pace();
    },
    delete(_object, { key }) {
      check(objects.delete(key), `delete of ${key}, which was not there`);
      return pace();
    },
  };
  return { name, objects, handler, broken };
}

async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const clock = new FakeClock();
  const faulty = new FaultyStore(clock, random);
  const informer = createInformer<string>({
    store: faulty.store,
    prefix: PREFIX,
    codec: textCodec,
    pageSize: 1 + below(4),
    indexes: { value: (object) => [object] },
    clock,
    random,
  });
  const views: View[] = [];
  const early: bigint[] = [];
  let [revision, reset] = [0n, false];
  const check = (): void => {
    if (informer.revision < revision && !reset) early.push(informer.revision);
    if (informer.hasSynced) reset = false;
    revision = informer.revision;
  };
  informer.on('history-reset', () => (reset = true));
  informer.on('phase', check);
  const join = (pace: () => void | Promise<void>): void => {
    const made = view(`view-${views.length}`, informer, pace);
    views.push(made);
    informer.addEventHandler(made.handler);
  };
  const slow = (): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, below(2000)));
  const throwing = (): void => {
    if (below(3) === 0) throw new Error('handler');
  };
  join(() => {});
  join(slow);
  join(throwing);

  const step = async (): Promise<void> => {
    const key = `${PREFIX}${below(8)}`;
    const { real } = faulty;
    const value = `${below(5)}`;
    const dice = below(100);
    if (dice < 35) await real.put({ key, value });
    else if (dice < 40) await real.put({ key, value: GARBAGE });
    else if (dice < 58) await real.delete({ key });
    else if (dice < 65) {
      const puts = ['left', 'right'].map((side) => ({ put: { key: `${PREFIX}pair/${side}`, value } }));
      await real.txn({ then: puts });
    } else if (dice < 68) await real.delete({ prefix: `${PREFIX}pair/` });
    else if (dice < 72) {
      const { revision: now } = await real.range({ prefix: PREFIX, limit: 1 });
      await real.compact(now).catch(() => {});
    } else if (dice < 74) await faulty.restore();
    else if (dice < 78) join([() => {}, slow][below(2)]!);
    else if (dice < 82) {
      const target = (await real.range({ prefix: PREFIX, limit: 1 })).revision;
      const reached = (): void => void (informer.revision < target && early.push(target));
      void informer.waitFor(target, { timeoutMs: below(5000) }).then(reached, () => {});
    } else if (dice < 90) await clock.advance(below(1500));
    else await settle();
    check();
  };

  const stop = new AbortController();
  const running = informer.run(stop.signal);
  for (let at = 0; at < STEPS; at++) await step();
  faulty.faulty = false;
  await clock.advance(400_000);

  const { kvs, revision: now } = await faulty.real.range({ prefix: PREFIX });
  const good = kvs.filter((kv) => kv.value[0] !== 0xff);
  const bad = kvs.filter((kv) => kv.value[0] === 0xff);
  const name = (key: Uint8Array): string => keyText(key).slice(PREFIX.length);
  const served = informer.quarantined.filter(({ servedRevision }) => servedRevision !== undefined);
  const cache = new Map(Array.from(informer.lister.keys(), (key) => [key, informer.lister.get(key)!]));
  expect(informer.revision).toBe(now);
  expect(informer.counts.divergedKeys).toBe(0);
  expect(informer.counts.audits).toBeGreaterThan(0);
  expect(informer.quarantined.map(({ key, modRevision }) => [key, modRevision]).sort()).toEqual(
    bad.map((kv) => [name(kv.key), kv.modRevision]).sort(),
  );
  for (const kv of good) {
    const { key, object, createRevision, modRevision } = informer.lister.entry(name(kv.key))!;
    expect({ key, object, createRevision, modRevision }).toEqual({
      key: name(kv.key),
      object: textCodec.decode(kv),
      createRevision: kv.createRevision,
      modRevision: kv.modRevision,
    });
  }
  expect(cache.size).toBe(good.length + served.length);
  for (const value of ['0', '1', '2', '3', '4']) {
    expect(informer.lister.byIndex('value', value)).toHaveLength(
      [...cache.values()].filter((each) => each === value).length,
    );
  }
  for (const { objects, broken } of views) {
    expect(broken).toEqual([]);
    expect(new Map([...objects].sort())).toEqual(new Map([...cache].sort()));
  }
  expect(early).toEqual([]);
  stop.abort();
  await running;
  await faulty.real.close();
}

describe('Informer under random faults', () => {
  it(`C1, C2, W1: ends equal to the store, and so do its handlers (${SEEDS} seeds from ${FIRST_SEED} on)`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        await run(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: run it alone with SETPOINT_SEED=${seed} SETPOINT_SEEDS=1`, { cause: error });
      }
    }
  }, 60_000);
});
