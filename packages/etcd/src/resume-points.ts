import type { KeyRange, Revision } from 'setpoint/store';

/** So many are remembered; watches that come and go for single keys, as of locks, would be ever more. */
const REMEMBERED_MAX = 10_000;

interface ResumePoint {
  readonly incarnation: number;
  /** How many watches ended there. */
  watches: number;
}

/**
 * Where watches have ended, and in which incarnation of the store's history. A watch that begins where another of the
 * same keys has ended goes on from it: its consumer holds what that one delivered, and a reset of the history that was
 * found meanwhile, by others, concerns it all the same.
 *
 * Who has listed the new history and begins at that very revision by chance is told of the reset once for nothing.
 */
export class ResumePoints {
  readonly #points = new Map<string, ResumePoint>();

  /** `next` is undefined for one that never began. */
  ended(range: KeyRange, next: Revision | undefined, incarnation: number): void {
    if (next === undefined) return;
    const name = nameOf(range, next);
    const point = this.#points.get(name);
    if (point?.incarnation === incarnation) point.watches++;
    else this.#points.set(name, { incarnation, watches: 1 });
    if (this.#points.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#points.keys();
    this.#points.delete(oldest!);
  }

  /** The incarnation of one that ended here, which so goes on; undefined when there is none, or `start` is the present. */
  take(range: KeyRange, start: Revision | undefined): number | undefined {
    if (start === undefined) return undefined;
    const name = nameOf(range, start);
    const point = this.#points.get(name);
    if (point && --point.watches === 0) this.#points.delete(name);
    return point?.incarnation;
  }
}

/** Keys may hold any byte, so the length keeps start and end apart. */
function nameOf({ start, end }: KeyRange, revision: Revision): string {
  return `${revision} ${start.length} ${byteText(start)}${end ? byteText(end) : ''}`;
}

function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
