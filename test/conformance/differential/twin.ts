import { isDeepStrictEqual } from 'node:util';
import { memoryStore, type Revision, type Store, type WatchRequest } from 'setpoint/store';
import { FakeClock, settle } from 'setpoint/testing';
import { type Watched, watched } from '../../harness/watched.ts';
import { type Answer, answerOf, closedWatch } from './answers.ts';
import { KEYS } from './arbitrary-calls.ts';
import { type Asked, type Call, type Manner, SHORT_TTL_SECONDS, type Step } from './call.ts';
import type { Coverage } from './coverage.ts';
import { Difference, NoAnswer, TooSlow } from './difference.ts';
import { ShortLeases } from './expiry.ts';
import type { Lane } from './lane.ts';
import { leaseOf, resolve, type World } from './resolve.ts';
import { brokenPromise, patiently, TwinWatch } from './twin-watch.ts';

/** Codes of a driver that heard nothing; the memory store never has them. */
const NO_ANSWER: ReadonlySet<string> = new Set(['Unavailable', 'DeadlineExceeded', 'OutcomeUnknown']);

/**
 * One sequence, asked of a new model and of the etcd of a lane. Every answer, then every event of every watch, has to
 * be equal to the last bit; {@link Difference} is thrown where one isn't.
 */
export class Twin {
  readonly #lane: Lane;
  readonly #coverage: Coverage;
  readonly #clock = new FakeClock();
  readonly #memory: Store;
  readonly #base: Revision;
  readonly #asked: Asked[] = [];
  readonly #watches: TwinWatch[] = [];
  readonly #leases: ShortLeases;
  /** Every event of the sequence, on both sides; the lane's watch has seen some before. */
  readonly #everything: readonly [Watched, Watched];
  readonly #eventsBefore: number;
  readonly #batchesBefore: number;
  #now: Revision;
  #compacted: Revision = -1n;
  #operations = 0;

  constructor(lane: Lane, coverage: Coverage) {
    this.#lane = lane;
    this.#coverage = coverage;
    this.#base = this.#now = lane.base;
    this.#memory = memoryStore({ clock: this.#clock, initialRevision: lane.base });
    const real = lane.everything();
    this.#everything = [watched(this.#memory, { fromKey: '\0', prevKv: true, startRevision: lane.base + 1n }), real];
    this.#eventsBefore = real.events.length;
    this.#batchesBefore = real.batches.length;
    this.#leases = new ShortLeases(this.#memory, lane.real, this.#clock);
  }

  /** Runs the steps and returns how many operations that were. The lane is clean afterwards, unless this throws. */
  async run(steps: readonly Step[]): Promise<number> {
    try {
      for (const step of steps) await this.#step(step);
      await this.#finish();
      return this.#operations;
    } catch (error) {
      throw this.#leases.late ? new TooSlow('short leases ran out too early', { cause: error }) : error;
    } finally {
      await this.#memory.close();
    }
  }

  async #step(step: Step): Promise<void> {
    await settle();
    this.#now = (await this.#memory.range({ key: 'a', countOnly: true })).revision;
    if (this.#leases.late) throw new TooSlow('short leases ran out too early');
    if ('verbatim' in step) return this.#call(step.verbatim);
    const world = await this.#world();
    if ('expiry' in step) return this.#expire(step.expiry.renew.map((lease) => leaseOf(lease, world)));
    const { manner } = step;
    await this.#call(resolve(step.template, world), manner);
  }

  async #world(): Promise<World> {
    return {
      base: this.#base,
      now: this.#now,
      compacted: this.#compacted,
      leases: (await this.#memory.leases()).toSorted((a, b) => (a < b ? -1 : 1)),
    };
  }

  async #call(call: Call, manner?: Manner): Promise<void> {
    const asked: Asked = manner === undefined ? call : { ...call, manner };
    this.#asked.push(asked);
    this.#operations++;
    if ('watch' in call && manner !== 'closed') return this.#watch(call.watch);
    if ('compact' in call && manner !== 'closed' && manner !== 'aborted') await this.#prepareCompaction();
    const [model, real] = manner === 'closed' ? this.#lane.closed : [this.#memory, this.#lane.real];
    const ask = (store: Store): Promise<Answer> =>
      'watch' in call ? closedWatch(store, call.watch) : answerOf(store, call, manner);
    const sentAt = performance.now();
    const [etcd, memory] = await Promise.all([ask(real), ask(model)]);
    if (!isDeepStrictEqual(memory, etcd)) {
      const difference = this.#difference('the last answer', { memory, etcd });
      throw 'failed' in etcd && NO_ANSWER.has(etcd.failed) ? new NoAnswer(difference) : difference;
    }
    this.#coverage.call(asked, memory);
    if ('failed' in memory) return;
    if ('compact' in call) this.#compacted = call.compact;
    if ('leaseGrant' in call) this.#granted(call.leaseGrant, sentAt);
    if ('leaseKeepAlive' in call) this.#leases.renewed(call.leaseKeepAlive, sentAt);
    if ('leaseRevoke' in call) this.#leases.ends(call.leaseRevoke);
  }

  #granted({ id, ttlSeconds }: { readonly id?: bigint; readonly ttlSeconds: number }, at: number): void {
    if (id && ttlSeconds < SHORT_TTL_SECONDS) this.#leases.begins(id, at);
  }

  async #watch(request: WatchRequest): Promise<void> {
    const watch = new TwinWatch([this.#memory, this.#lane.real], request);
    this.#watches.push(watch);
    const refused = await watch.opened();
    if (refused) this.#coverage.hit(`watch fails with ${refused}`);
    if (refused !== 'Invalid') this.#coverage.watch(request, refused ? 'compacted' : this.#startOf(request));
  }

  #startOf({ startRevision }: WatchRequest): string {
    if (startRevision === undefined) return 'absent';
    if (startRevision === 0n) return '0';
    if (startRevision <= this.#now) return 'past';
    return startRevision === this.#now + 1n ? 'next' : 'future';
  }

  /**
   * A watch that has not been told its history yet is ended by a compaction, and etcd tells it when it comes to it. So
   * that both stores are asked the same, every watch is waited for, with news for those that have had none.
   */
  async #prepareCompaction(): Promise<void> {
    if (await this.#allCaughtUp()) return;
    await this.#putEverything();
    if (await this.#allCaughtUp()) return;
    await this.#call({ delete: { fromKey: '\0' } });
    await this.#allCaughtUp();
  }

  async #allCaughtUp(): Promise<boolean> {
    let all = true;
    for (const watch of this.#watches) all = (await watch.caughtUp()) && all;
    await settle();
    const wanted = this.#eventsBefore + this.#everything[0].events.length;
    await patiently(this.#everything[1].until(() => this.#everything[1].events.length >= wanted)).catch(
      () => undefined,
    );
    return all;
  }

  async #putEverything(): Promise<void> {
    await this.#call({ txn: { then: KEYS.map((key) => ({ put: { key, value: 'last' } })) } });
  }

  async #expire(renew: readonly bigint[]): Promise<void> {
    this.#asked.push({ expiry: { renew } });
    this.#operations++;
    await this.#allCaughtUp();
    const features = await this.#leases.expire(renew, this.#everything[1]);
    for (const feature of features) this.#coverage.hit(`expiry ${feature}`);
  }

  /**
   * Puts and deletes every key, so that every watch has something to deliver, whatever it leaves out; compares what all
   * watches have delivered; and leaves the store empty to the next sequence.
   */
  async #finish(): Promise<void> {
    const asked = this.#operations;
    await this.#putEverything();
    await this.#call({ delete: { fromKey: '\0', prevKv: true } });
    await this.#allCaughtUp();
    for (const [index, watch] of this.#watches.entries()) {
      const said = await watch.outcome();
      if (!isDeepStrictEqual(said.memory, said.etcd)) {
        const difference = this.#difference(`what watch number ${index + 1} delivers`, said);
        throw watch.wasInterrupted ? new NoAnswer(difference) : difference;
      }
      this.#coverage.events(watch.events);
    }
    const [memory, etcd] = this.#everything;
    const said = { memory: memory.events, etcd: etcd.events.slice(this.#eventsBefore) };
    if (!isDeepStrictEqual(said.memory, said.etcd)) this.#differ('what a watch of everything delivers', said);
    const broken = brokenPromise(etcd.batches.slice(this.#batchesBefore));
    if (broken) this.#differ('the batches of a watch of everything', { memory: undefined, etcd: broken });
    await this.#leaveEmpty();
    this.#operations = asked;
  }

  async #leaveEmpty(): Promise<void> {
    const leases = await this.#memory.leases();
    for (const id of leases) await this.#lane.real.leaseRevoke(id);
    this.#lane.left((await this.#memory.range({ key: 'a', countOnly: true })).revision);
  }

  #differ(where: string, said: { readonly memory: unknown; readonly etcd: unknown }): never {
    throw this.#difference(where, said);
  }

  #difference(where: string, said: { readonly memory: unknown; readonly etcd: unknown }): Difference {
    return new Difference(where, said, { base: this.#base, asked: this.#asked });
  }
}
