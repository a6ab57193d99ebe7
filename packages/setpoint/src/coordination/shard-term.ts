import { isSetpointError, SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep, type Timer } from '../internal/clock.ts';
import { deferred } from '../internal/deferred.ts';
import { linkedAbort, type LinkedAbort } from '../internal/linked-abort.ts';
import type { Revision } from '../store/index.ts';
import { Candidate } from './candidate.ts';
import type { Entry } from './line.ts';
import type { Session } from './session.ts';
import { assignSlots, type ShardMember, standInRank } from './shard-map.ts';
import { joinRoll } from './shard-roll.ts';
import { ShardSlot } from './shard-slot.ts';
import { ShardView, slotPrefix } from './shard-view.ts';

export interface ShardTermOptions {
  readonly session: Session;
  readonly root: string;
  readonly prefix: string;
  readonly slots: number;
  readonly drainTimeoutMs: number;
  readonly onAcquired?: (slots: ReadonlySet<number>, revision: Revision, signal: AbortSignal) => Promise<void>;
  readonly onOpen?: (slots: ReadonlySet<number>) => void;
}

/**
 * How long a slot that nobody stands in line for is left to the one that it belongs to; the first of the others waits so
 * long, the second twice as long. Somebody may be on the roll and dead, until its lease is over.
 */
const STAND_IN_MS = 150;
/** What the entry of a stand-in says: the one that the slot belongs to has to come and stand behind it. */
const STAND_IN = 'stand-in';

/**
 * A replica's membership for the life of one session: on the roll, with slots that it holds or stands in line for.
 *
 * A slot that belongs to another now is drained and released, and whom it belongs to takes it when it is free: nobody
 * waits in the line of a slot, because whoever died there would hold it up for another lease. A slot that stays free is
 * taken by a stand-in, who works on it until the one that it belongs to comes.
 */
export class ShardTerm {
  readonly session: Session;
  readonly #options: ShardTermOptions;
  readonly #view: ShardView;
  readonly #life = linkedAbort();
  readonly #held = new Map<number, ShardSlot>();
  readonly #standing = new Map<number, LinkedAbort & { readonly standIn: boolean }>();
  /** When this replica takes a slot that belongs to another, and is free. */
  readonly #standIns = new Map<number, Timer>();
  readonly #work = new Set<Promise<void>>();
  /** Acquired, and on the way to being opened together. */
  #arriving: ShardSlot[] = [];
  /** Those of our keys that the view has shown. */
  readonly #shown = new Set<string>();
  #member = '';
  /** Who ought to have which slot, by those who are on the roll. */
  #map: { readonly members: readonly ShardMember[]; readonly owners: ReturnType<typeof assignSlots> } | undefined;
  /** Rejects with what keeps it from every slot. */
  readonly #broken = deferred<never>();
  /** It takes nothing any more. */
  #ending = false;
  #twinTold = false;

  constructor(options: ShardTermOptions) {
    this.#options = options;
    this.session = options.session;
    this.#view = new ShardView(options.prefix);
    this.#broken.promise.catch(() => {}); // run() rejects with it
  }

  slot(number: number): ShardSlot | undefined {
    return this.#held.get(number);
  }

  held(): readonly ShardSlot[] {
    return [...this.#held.values()].filter(({ ownership }) => ownership.held).sort((a, b) => a.number - b.number);
  }

  /** Resolves when `signal` aborts; rejects when the roll can't be followed, or no slot can be had. */
  async run(signal: AbortSignal, joined: () => void): Promise<void> {
    const { prefix, slots } = this.#options;
    this.#member = await joinRoll(this.session, prefix, slots, signal);
    joined();
    try {
      const followed = this.#view.follow(this.session, signal, () => this.#plan());
      await Promise.race([followed, this.#broken.promise]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Takes the replica off the roll, so that the others may come, and hands every slot over. */
  async end(): Promise<void> {
    this.#ending = true;
    for (const standing of this.#standing.values()) standing.abort(undefined);
    for (const timer of this.#standIns.values()) timer.cancel();
    this.#standIns.clear();
    const { clock } = this.session;
    if (this.session.alive && this.#member !== '') {
      await this.session.store.delete({ key: this.#member }, { alone: true, timeoutMs: 2000 }).catch(() => {});
    }
    await Promise.all([...this.#held.values()].map((slot) => slot.drain(clock, this.#options.drainTimeoutMs)));
    this.#life.abort(undefined);
    await Promise.all(this.#work);
  }

  /** Compares who ought to have what with who has, after every change of the roll or of a slot. */
  #plan(): void {
    if (this.#ending || !this.session.alive) return;
    const { slots } = this.#options;
    if (this.#isGone(this.#member)) {
      const message = `its key on the roll, ${this.#member}, was deleted or taken off its lease: it is nobody to the others`;
      return this.session.lose(new SetpointError('NotFound', message));
    }
    if (!this.#shown.has(this.#member)) return;
    const { members } = this.#view;
    if (this.#map?.members !== members) this.#map = { members, owners: assignSlots(slots, members) };
    this.#tellTwin(members);
    this.#map.owners.forEach((owner, number) => {
      const ours = owner?.key === this.#member;
      const held = this.#held.get(number);
      if (held) this.#check(held, ours);
      else this.#seek(number, owner?.key ?? '', members);
    });
  }

  /** Stands in the line of a slot when it should, and not otherwise. */
  #seek(number: number, owner: string, members: readonly ShardMember[]): void {
    const ours = owner === this.#member;
    const [first] = this.#others(number);
    const standing = this.#standing.get(number);
    if (first || ours) this.#callOff(number);
    if (standing) {
      // What is on its way to a slot that nobody has may arrive; behind somebody only whom the slot belongs to waits.
      if (!ours && (first || !standing.standIn)) standing.abort(undefined);
    } else if (ours) {
      if (!first || first.holder.value === STAND_IN) this.#track(this.#stand(number, false));
    } else if (!first && !this.#standIns.has(number)) {
      const delayMs = STAND_IN_MS * standInRank(number, members, { owner, key: this.#member });
      const fire = (): void => {
        this.#standIns.delete(number);
        const free = !this.#held.has(number) && !this.#standing.has(number) && this.#others(number).length === 0;
        if (free && this.session.alive) this.#track(this.#stand(number, true));
      };
      this.#standIns.set(number, this.session.clock.setTimer(fire, delayMs));
    }
  }

  #callOff(number: number): void {
    this.#standIns.get(number)?.cancel();
    this.#standIns.delete(number);
  }

  /** Who else stands in the line of a slot. */
  #others(number: number): readonly Entry[] {
    return this.#view.lineOf(number).filter(({ lease }) => lease !== this.session.id);
  }

  #check(slot: ShardSlot, ours: boolean): void {
    const { key, held } = slot.ownership;
    if (held && this.#isGone(key)) {
      slot.ownership.lose(new SetpointError('NotFound', `its key ${key} was deleted or taken off its lease`));
    } else if (ours || slot.draining || (slot.standIn && this.#others(slot.number).length === 0)) return;
    else this.#track(slot.drain(this.session.clock, this.#options.drainTimeoutMs));
  }

  /** Whether one of our keys does not count any more. One that the view has not shown yet is not missing. */
  #isGone(key: string): boolean {
    if (!this.#view.has(key)) return this.#shown.has(key);
    this.#shown.add(key);
    return false;
  }

  async #stand(number: number, standIn: boolean): Promise<void> {
    const { prefix, root } = this.#options;
    const abort = linkedAbort(this.#life.signal, this.session.signal);
    this.#standing.set(number, { ...abort, standIn });
    const line = { what: `slot ${number}`, prefix: slotPrefix(prefix, number), root };
    const candidate = new Candidate(this.session, line, { watched: false, value: standIn ? STAND_IN : '' });
    try {
      const ownership = await candidate.acquire(abort.signal);
      this.#standing.delete(number);
      this.#acquired(new ShardSlot(number, ownership, standIn));
    } catch (error) {
      this.#standing.delete(number);
      if (abort.signal.aborted || !this.session.alive) return;
      this.session.logger.warn({ err: error, slot: number }, 'a slot was not acquired');
      if (!isSetpointError(error) || !error.retryable) this.#broken.reject(error);
    } finally {
      abort.unlink();
      // What ought to be may have changed meanwhile.
      queueMicrotask(() => this.#plan());
    }
  }

  #acquired(slot: ShardSlot): void {
    const { number, ownership } = slot;
    this.#held.set(number, slot);
    ownership.signal.addEventListener(
      'abort',
      () => {
        if (this.#held.get(number) === slot) this.#held.delete(number);
        this.#shown.delete(ownership.key);
        queueMicrotask(() => this.#plan());
      },
      { once: true },
    );
    // Slots come in flocks: what they need from the caches is asked for once.
    if (this.#arriving.push(slot) === 1) this.#track(this.#open());
  }

  async #open(): Promise<void> {
    await this.session.clock.yield();
    const arrived = this.#arriving;
    this.#arriving = [];
    const numbers = new Set(arrived.map(({ number }) => number));
    const revision = arrived.reduce((latest, { heldSince }) => (heldSince > latest ? heldSince : latest), 0n);
    const link = linkedAbort(this.#life.signal, this.session.signal);
    const { clock, random, logger } = this.session;
    const backoff = new Backoff({ baseMs: 100, maxMs: 5000 }, random);
    while (!link.signal.aborted) {
      try {
        await this.#options.onAcquired?.(numbers, revision, link.signal);
        for (const slot of arrived) slot.open();
        this.#options.onOpen?.(numbers);
        break;
      } catch (error) {
        if (link.signal.aborted) break;
        logger.error({ err: error }, 'acquired slots could not be opened; again');
        await sleep(clock, backoff.next(), link.signal);
      }
    }
    link.unlink();
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  #tellTwin(members: readonly ShardMember[]): void {
    const twin = members.some(({ key, identity }) => key !== this.#member && identity === this.session.identity);
    if (twin && !this.#twinTold)
      this.session.logger.warn({}, `another replica is called '${this.session.identity}' too; they share its slots`);
    this.#twinTold = twin;
  }
}
