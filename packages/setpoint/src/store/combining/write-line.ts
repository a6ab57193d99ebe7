import { LARGEST_SIZE, MAX_TXN_OPERATIONS } from '../limits.ts';
import { KeyClaims } from './footprint.ts';
import type { PendingWrite } from './pending-write.ts';

/** How many writes a call passes over, in multiples of its members, before it looks no further. */
const LOOK_AHEAD = 4;

/** So many that have settled may stay in a line beside as many as wait. */
const SETTLED_KEPT = 64;

/**
 * The writes that wait to be sent, in the order of their calls. No write leaves it before an earlier one of which it
 * reads what that writes, or writes what that reads or writes.
 */
export class WriteLine {
  /** In order from `#first` on, with some that have settled in between: they count no more. Before that there are none. */
  #waiting: (PendingWrite | undefined)[] = [];
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(write: PendingWrite): void {
    this.#waiting.push(write);
    this.#length++;
  }

  /** Takes note that one of those in the line has settled, and is in it no more. */
  oneHasSettled(): void {
    this.#length--;
    this.#tidy();
  }

  /** All that wait, as they are now. */
  all(): readonly PendingWrite[] {
    return this.#waiting.filter((write): write is PendingWrite => write?.settled === false);
  }

  /** Whether a write has to wait for one that is in the line. */
  mustFollow(write: PendingWrite): boolean {
    if (this.#length === 0) return false;
    const earlier = new KeyClaims();
    for (const each of this.all()) earlier.add(each.footprint);
    return earlier.conflictsWith(write.footprint);
  }

  /**
   * Takes out what the next call carries: the first of the line, which so never waits for a later one, and of those
   * after it whatever touches nothing that these, or the ones passed over, touch; within the limits of one request.
   * The line must not be empty.
   */
  take(maxMembers: number): readonly PendingWrite[] {
    const members: PendingWrite[] = [];
    const passed: PendingWrite[] = [];
    const room = new Room();
    const passedOver = new KeyClaims();
    let at = this.#first;
    while (at < this.#waiting.length && members.length < maxMembers && passed.length < maxMembers * LOOK_AHEAD) {
      const write = this.#waiting[at++]!;
      if (write.settled) continue;
      if (members.length === 0 || (!write.alone && !passedOver.conflictsWith(write.footprint) && room.admits(write))) {
        members.push(write);
        if (write.alone || members.length === this.#length) break;
        room.add(write);
      } else {
        passed.push(write);
        passedOver.add(write.footprint);
      }
    }
    this.#leave(passed, at);
    this.#length -= members.length;
    this.#tidy();
    return members;
  }

  /** Only those passed over are left of what lies before `at`. To move all that wait as well would take longer than a call. */
  #leave(passed: readonly PendingWrite[], at: number): void {
    const before = this.#first;
    this.#first = at - passed.length;
    this.#waiting.fill(undefined, before, this.#first);
    passed.forEach((write, index) => (this.#waiting[this.#first + index] = write));
  }

  /** Forgets those that have gone and settled, once there are more of them than wait. */
  #tidy(): void {
    if (this.#waiting.length <= 2 * this.#length + SETTLED_KEPT) return;
    this.#waiting = [...this.all()];
    this.#first = 0;
  }
}

/** What one call has of keys, bytes and operations. */
class Room {
  readonly #claims = new KeyClaims();
  #members = 0;
  #size = 0;
  #path = 0;

  admits(write: PendingWrite): boolean {
    if (this.#size + write.size > LARGEST_SIZE) return false;
    // The members are operations of the call, on every path; the longest of them is what else is on one.
    if (this.#members + 1 + Math.max(this.#path, write.path) > MAX_TXN_OPERATIONS) return false;
    return !this.#claims.conflictsWith(write.footprint);
  }

  add(write: PendingWrite): void {
    this.#claims.add(write.footprint);
    this.#members++;
    this.#size += write.size;
    this.#path = Math.max(this.#path, write.path);
  }
}
