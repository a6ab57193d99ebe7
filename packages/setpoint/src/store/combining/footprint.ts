import { type ByteText, inRange, type TextRange, textRange } from '../memory/byte-text.ts';
import type { KeySelector, Operation, TxnRequest } from '../port.ts';

/**
 * The keys that a write may touch, whichever of its branches runs. A compare reads. A key or range that is both read
 * and written is listed as both.
 */
export interface Footprint {
  readonly readKeys: readonly ByteText[];
  readonly writtenKeys: readonly ByteText[];
  readonly readRanges: readonly TextRange[];
  readonly writtenRanges: readonly TextRange[];
}

export function footprintOf(operation: Operation): Footprint {
  const trace = new Trace();
  trace.operation(operation);
  return trace;
}

class Trace implements Footprint {
  readonly readKeys: ByteText[] = [];
  readonly writtenKeys: ByteText[] = [];
  readonly readRanges: TextRange[] = [];
  readonly writtenRanges: TextRange[] = [];

  operation(operation: Operation): void {
    if ('put' in operation) this.#write({ key: operation.put.key });
    else if ('delete' in operation) this.#write(operation.delete);
    // A read of the past depends on nothing that is written now, but counts all the same: it is not worth a rule.
    else if ('range' in operation) this.#read(operation.range);
    else this.#txn(operation.txn);
  }

  #txn(request: TxnRequest): void {
    for (const compare of request.compares ?? []) this.#read(compare);
    for (const operation of request.then ?? []) this.operation(operation);
    for (const operation of request.else ?? []) this.operation(operation);
  }

  #read(selector: KeySelector): void {
    const range = textRange(selector);
    if (range.single) this.readKeys.push(range.start);
    else this.readRanges.push(range);
  }

  #write(selector: KeySelector): void {
    const range = textRange(selector);
    if (range.single) this.writtenKeys.push(range.start);
    else this.writtenRanges.push(range);
  }
}

/** What a group of writes touches together. */
export class KeyClaims {
  readonly #readKeys = new Set<ByteText>();
  readonly #writtenKeys = new Set<ByteText>();
  readonly #readRanges: TextRange[] = [];
  readonly #writtenRanges: TextRange[] = [];

  add(footprint: Footprint): void {
    for (const key of footprint.readKeys) this.#readKeys.add(key);
    for (const key of footprint.writtenKeys) this.#writtenKeys.add(key);
    this.#readRanges.push(...footprint.readRanges);
    this.#writtenRanges.push(...footprint.writtenRanges);
  }

  /**
   * Whether one of the two writes what the other touches. Only then can it matter which of them goes first: what both
   * merely read does not count.
   */
  conflictsWith(footprint: Footprint): boolean {
    return (
      footprint.writtenKeys.some((key) => this.#reads(key) || this.#writes(key)) ||
      footprint.readKeys.some((key) => this.#writes(key)) ||
      footprint.writtenRanges.some((range) => this.#readsWithin(range) || this.#writesWithin(range)) ||
      footprint.readRanges.some((range) => this.#writesWithin(range))
    );
  }

  #reads(key: ByteText): boolean {
    return this.#readKeys.has(key) || this.#readRanges.some((range) => inRange(range, key));
  }

  #writes(key: ByteText): boolean {
    return this.#writtenKeys.has(key) || this.#writtenRanges.some((range) => inRange(range, key));
  }

  #readsWithin(range: TextRange): boolean {
    return anyIn(range, this.#readKeys) || this.#readRanges.some((other) => overlap(range, other));
  }

  #writesWithin(range: TextRange): boolean {
    return anyIn(range, this.#writtenKeys) || this.#writtenRanges.some((other) => overlap(range, other));
  }
}

function anyIn(range: TextRange, keys: ReadonlySet<ByteText>): boolean {
  for (const key of keys) if (inRange(range, key)) return true;
  return false;
}

/** Of two ranges, neither of which is a single key. */
function overlap(a: TextRange, b: TextRange): boolean {
  return (b.end === undefined || a.start < b.end) && (a.end === undefined || b.start < a.end);
}
