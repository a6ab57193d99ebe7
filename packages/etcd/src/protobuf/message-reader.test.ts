import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRange, decodeWatch, MalformedMessage } from './index.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';

const INT64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const field = (tag: number, value: bigint): Uint8Array => {
  const writer = new MessageWriter();
  writer.presentInt64(tag, value);
  return writer.finish();
};
const reading = (bytes: Uint8Array): MessageReader => {
  const reader = new MessageReader(bytes);
  reader.tag();
  return reader;
};

describe('integers', () => {
  it('I-134: are exact over all 64 bits, and shortest when written', () => {
    fc.assert(
      fc.property(fc.oneof(INT64, fc.bigInt(0n, 300n)), (value) => {
        const bytes = field(0x08, value);
        expect(reading(bytes).int64()).toBe(value);
        expect(reading(bytes).uint64()).toBe(BigInt.asUintN(64, value));
        const bits = BigInt.asUintN(64, value).toString(2).length;
        expect(bytes.length - 1).toBe(Math.ceil(bits / 7));
      }),
    );
  });

  it('I-134: keep their last digits around every power of two', () => {
    for (let power = 0n; power < 63n; power++) {
      for (const value of [2n ** power - 1n, 2n ** power, 2n ** power + 1n, -(2n ** power)]) {
        expect(reading(field(0x08, value)).int64()).toBe(value);
      }
    }
    expect(reading(field(0x08, -(2n ** 63n))).int64()).toBe(-(2n ** 63n));
  });

  it('are taken with needless bytes, as long as they are not more than ten', () => {
    expect(reading(Uint8Array.of(0x08, 0x81, 0x80, 0x00)).int64()).toBe(1n);
    expect(reading(Uint8Array.of(0x08, 0x81, ...Array<number>(8).fill(0x80), 0x00)).int64()).toBe(1n);
    const tooLong = Uint8Array.of(0x08, ...Array<number>(10).fill(0x80), 0x00);
    expect(() => reading(tooLong).int64()).toThrow(MalformedMessage);
    expect(() => reading(tooLong).number()).toThrow(MalformedMessage);
  });
});

describe('malformed bytes', () => {
  it('are refused with a typed error: cut short, wrong wire types, a field numbered 0', () => {
    const refused = [[0x0a, 5, 1], [0x12], [0x0a, 2, 0x0a, 9], [0x08], [0x0b], [0x0f], [0x00], [0x09, 1], [0x1d, 1]];
    for (const bytes of refused) {
      expect(() => decodeRange(Uint8Array.from(bytes)), String(bytes)).toThrow(MalformedMessage);
      expect(() => decodeWatch(Uint8Array.from(bytes)), String(bytes)).toThrow(MalformedMessage);
    }
    expect(() => decodeWatch(Uint8Array.of(0x5a, 0)), 'an event without a key').toThrow(MalformedMessage);
  });

  it('never give anything but an answer or that error, and never read past a message', () => {
    const near = fc.array(fc.oneof(fc.constantFrom(0x0a, 0x12, 0x5a, 0x10, 0x2a, 0, 1, 2, 5), fc.nat(255)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), near), (bytes) => {
        for (const decode of [decodeRange, decodeWatch]) {
          try {
            decode(Uint8Array.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedMessage);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
