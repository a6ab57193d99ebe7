/** Bytes that are not a message as etcd's interface has it. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** What most small fields hold, made once. */
const SMALL: readonly bigint[] = Array.from({ length: 128 }, (_, value) => BigInt(value));
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder();

/**
 * Reads the fields of one protobuf message, and of the messages within it, in the order in which they come:
 *
 *     const outer = reader.enter();
 *     while (reader.more) {
 *       switch (reader.tag()) { case 0x0a: key = reader.bytes(); break; default: reader.skip(); }
 *     }
 *     reader.leave(outer);
 *
 * A tag is compared whole, number and wire type: a field that comes in another wire type than expected is skipped as
 * an unknown one is. Everything that is not well-formed throws {@link MalformedMessage}.
 */
export class MessageReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the innermost entered message ends. */
  #end: number;
  #tag = 0;
  /** The last large integer: neighbours often share one (a key's creation and its last change). */
  #lastNumber = 0;
  #lastInteger = 0n;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Whether the message that is being read has another field. */
  get more(): boolean {
    return this.#at < this.#end;
  }

  /** Begins to read the message that the field just named holds; give the result to {@link leave}. */
  enter(): number {
    const outer = this.#end;
    this.#end = this.#fieldEnd();
    return outer;
  }

  /** Ends it; all its fields must have been read. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** The next field's number and wire type. Ask {@link more} first. */
  tag(): number {
    this.#tag = this.number();
    if (this.#tag < 8) throw new MalformedMessage('a field has the number 0');
    return this.#tag;
  }

  /** Skips the value of the field just named. */
  skip(): void {
    switch (this.#tag & 7) {
      case 0:
        this.number();
        return;
      case 1:
        return this.#move(8);
      case 2:
        this.#at = this.#fieldEnd();
        return;
      case 5:
        return this.#move(4);
      default:
        throw new MalformedMessage(`a field has the wire type ${this.#tag & 7}`);
    }
  }

  /** A view into the message, not a copy. */
  bytes(): Uint8Array {
    const end = this.#fieldEnd();
    const start = this.#at;
    this.#at = end;
    if (end === start) return NOTHING;
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }

  /** Bytes that are not UTF-8 are replaced. */
  text(): string {
    return decoder.decode(this.bytes());
  }

  boolean(): boolean {
    return this.number() !== 0;
  }

  /** A signed integer, exact over all 64 bits. */
  int64(): bigint {
    const low = this.#sevenBytes();
    if (low < SMALL.length && this.#bytes[this.#at - 1]! < 0x80) return SMALL[low]!;
    if (this.#bytes[this.#at - 1]! >= 0x80) return BigInt.asIntN(64, this.#rest(low));
    if (low !== this.#lastNumber) {
      this.#lastNumber = low;
      this.#lastInteger = BigInt(low);
    }
    return this.#lastInteger;
  }

  uint64(): bigint {
    const low = this.#sevenBytes();
    return this.#bytes[this.#at - 1]! >= 0x80 ? BigInt.asUintN(64, this.#rest(low)) : BigInt(low);
  }

  /** A length, an enumeration or a flag; no more exact than a double. */
  number(): number {
    const low = this.#sevenBytes();
    return this.#bytes[this.#at - 1]! >= 0x80 ? Number(this.#rest(low)) : low;
  }

  /** The value of a varint's first seven bytes, or of all if it has fewer: 49 bits, which a double holds exactly. */
  #sevenBytes(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    return value;
  }

  /** The whole of a varint that goes on after its first seven bytes. */
  #rest(low: number): bigint {
    let shift = 49n;
    let value = BigInt(low);
    for (let count = 7; count < 10; count++) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7n;
    }
    throw new MalformedMessage('an integer has more than ten bytes');
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new MalformedMessage('it ends in the middle of an integer');
    return this.#bytes[this.#at++]!;
  }

  /** Reads a length and gives where the bytes after it end. */
  #fieldEnd(): number {
    const length = this.number();
    const end = this.#at + length;
    if (end > this.#end) throw new MalformedMessage('a field is longer than its message');
    return end;
  }

  #move(bytes: number): void {
    this.#at += bytes;
    if (this.#at > this.#end) throw new MalformedMessage('a field is longer than its message');
  }
}
