/** gRPC puts five bytes before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** Puts messages together from a stream's bytes, however those are cut. Each keeps its five bytes. */
export class GrpcMessages {
  #rest: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const whole: Buffer[] = [];
    while (this.#rest.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) break;
      whole.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return whole;
  }
}

/**
 * Adds encoded fields to the end of a message. Protocol buffers read a field that stands twice as its last value, so
 * this also changes fields.
 */
export function withFields(message: Buffer, fields: Buffer): Buffer {
  const changed = Buffer.concat([message, fields]);
  changed.writeUInt32BE(changed.length - PREFIX_BYTES, 1);
  return changed;
}
