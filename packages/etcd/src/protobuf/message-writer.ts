const NOTHING = new Uint8Array(0);

/**
 * Writes one protobuf message from its end to its beginning: the last field first, and within a field the value before
 * its tag. So the length of a message within is known when it has to be written, and every byte is written once.
 *
 * Tags are whole, number and wire type. A value that protobuf takes for granted (0, false, no bytes) is left out.
 */
export class MessageWriter {
  #bytes: Uint8Array = NOTHING;
  /** Where what is written so far begins; it ends with the array. */
  #start = 0;

  /** How much is written so far; {@link message} takes it to know what belongs to the message within. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  bytes(tag: number, value: Uint8Array): void {
    if (value.length > 0) this.present(tag, value);
  }

  /** Writes bytes also when there are none, as a field that stands for a choice has to be. */
  present(tag: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#start -= value.length;
    this.#bytes.set(value, this.#start);
    this.#varint(value.length);
    this.#varint(tag);
  }

  boolean(tag: number, value: boolean | undefined): void {
    if (value === true) this.number(tag, 1);
  }

  /** A whole number from 0 to 2⁵³. */
  number(tag: number, value: number | undefined): void {
    if (value === undefined || value === 0) return;
    this.#varint(value);
    this.#varint(tag);
  }

  int64(tag: number, value: bigint | undefined): void {
    if (value !== undefined && value !== 0n) this.presentInt64(tag, value);
  }

  /** Writes an integer also when it is 0. */
  presentInt64(tag: number, value: bigint): void {
    if (value >= 0n && value <= Number.MAX_SAFE_INTEGER) this.#varint(Number(value));
    else this.#bigVarint(BigInt.asUintN(64, value));
    this.#varint(tag);
  }

  /** Makes what was written since `length` was `before` a message within. */
  message(tag: number, before: number): void {
    this.#varint(this.length - before);
    this.#varint(tag);
  }

  /** What was written. The writer is not to be used afterwards. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + this.#start, this.length);
  }

  #varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.#reserve(size);
    let at = (this.#start -= size);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 128;
    this.#bytes[at] = rest;
  }

  #bigVarint(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.#reserve(bytes.length);
    this.#start -= bytes.length;
    this.#bytes.set(bytes, this.#start);
  }

  #reserve(size: number): void {
    if (size <= this.#start) return;
    const { length } = this;
    const larger = Buffer.allocUnsafe(Math.max(256, 2 * length, length + size + 64));
    larger.set(this.#bytes.subarray(this.#start), larger.length - length);
    this.#bytes = larger;
    this.#start = larger.length - length;
  }
}
