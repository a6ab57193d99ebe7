import { LARGEST_SIZE, MAX_TXN_OPERATIONS } from '../limits.ts';
import { KeyClaims } from './footprint.ts';
import type { PendingWrite } from './pending-write.ts';

/** How far into the line, in multiples of a call's members, one call looks for writes that may share it. */
const LOOK_AHEAD = 4;

/**
 * The writes that wait to be sent, in the order of their calls. No write leaves it before an earlier one of which it
 * reads what that writes, or writes what that reads or writes.
 */
export class WriteLine {
  readonly #waiting = new Set<PendingWrite>();

  get length(): number {
    return this.#waiting.size;
  }

  add(write: PendingWrite): void {
    this.#waiting.add(write);
  }

  remove(write: PendingWrite): void {
    this.#waiting.delete(write);
  }

  [Symbol.iterator](): Iterator<PendingWrite> {
    return this.#waiting.values();
  }

  /** Whether a write has to wait for one that is in the line. */
  mustFollow(write: PendingWrite): boolean {
    if (this.#waiting.size === 0) return false;
    const earlier = new KeyClaims();
    for (const each of this.#waiting) earlier.add(each.footprint);
    return earlier.conflictsWith(write.footprint);
  }

  /** Takes the first of the line out, of which there must be one. */
  takeFirst(): PendingWrite {
    const [first] = this as Iterable<PendingWrite> as [PendingWrite];
    this.#waiting.delete(first);
    return first;
  }

  /**
   * Takes out what the next call carries: the first of the line, which so never waits for a later one, and of those
   * after it whatever touches nothing that these, or the ones passed over, touch; within the limits of one request.
   */
  takeTogether(maxMembers: number): readonly PendingWrite[] {
    const first = this.takeFirst();
    const members = [first];
    if (first.alone || this.#waiting.size === 0) return members;
    const call = new Room(first);
    const passedOver = new KeyClaims();
    let left = maxMembers * LOOK_AHEAD;
    for (const write of this.#waiting) {
      if (members.length === maxMembers || left-- === 0) break;
      if (write.alone || passedOver.conflictsWith(write.footprint) || !call.admits(write)) {
        passedOver.add(write.footprint);
        continue;
      }
      call.add(write);
      this.#waiting.delete(write);
      members.push(write);
    }
    return members;
  }
}

/** What one call has of keys, bytes and operations. */
class Room {
  readonly #claims = new KeyClaims();
  #members = 0;
  #size = 0;
  #path = 0;

  constructor(first: PendingWrite) {
    this.add(first);
  }

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
