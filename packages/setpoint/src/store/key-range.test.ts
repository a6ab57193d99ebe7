import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyRange, keyText, prefixEnd, toBytes } from './key-range.ts';
import type { KeySelector } from './port.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const compare = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);

describe('keyRange', () => {
  it('names one key, a half-open range, a prefix and everything from a key on', () => {
    expect(keyRange({ key: 'a' })).toEqual({ start: bytes(97), end: undefined });
    expect(keyRange({ key: 'a', end: 'c' })).toEqual({ start: bytes(97), end: bytes(99) });
    expect(keyRange({ prefix: 'a/' })).toEqual({ start: bytes(97, 47), end: bytes(97, 48) });
    expect(keyRange({ fromKey: 'a' })).toEqual({ start: bytes(97), end: bytes(0) });
  });

  it('F-114: a prefix covers exactly the keys that start with it', () => {
    const key = fc.uint8Array({ maxLength: 5 }).map((raw) => raw.map((byte) => (byte > 127 ? 0xff : byte % 3)));
    fc.assert(
      fc.property(
        key.filter((prefix) => prefix.length > 0),
        key,
        (prefix, candidate) => {
          const end = prefixEnd(prefix);
          const open = end.length === 1 && end[0] === 0;
          const inside = compare(candidate, prefix) >= 0 && (open || compare(candidate, end) < 0);
          expect(inside).toBe(compare(candidate.subarray(0, prefix.length), prefix) === 0);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('F-114: a prefix of nothing but 0xff runs on without an end', () => {
    expect(prefixEnd(bytes(0xff, 0xff))).toEqual(bytes(0));
    expect(prefixEnd(bytes(1, 0xff))).toEqual(bytes(2));
  });

  it('does not touch the bytes that it is given', () => {
    const prefix = bytes(1, 2);
    prefixEnd(prefix);
    keyRange({ prefix });
    expect(prefix).toEqual(bytes(1, 2));
  });

  it('F-114: nothing, or a forgotten variable, never selects the whole store', () => {
    const wrong = [{}, { prefix: '' }, { key: '' }, { fromKey: '' }, { key: undefined }, { prefix: 'a', end: 'b' }];
    const more = [
      { key: 'a', prefix: 'b' },
      { key: 'a', end: '' },
      { key: 7 },
      { prefix: null },
      { key: undefined, prefix: 'a' },
    ];
    for (const selector of [...wrong, ...more]) {
      expect(() => keyRange(selector as unknown as KeySelector), JSON.stringify(selector)).toThrow('Invalid');
    }
  });
});

describe('keyText and toBytes', () => {
  it('F-112: text comes back as it was, bytes that are no text are refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(keyText(toBytes(text))).toBe(text);
      }),
    );
    expect(keyText(toBytes('\ufeffbom'))).toBe('\ufeffbom');
    expect(() => keyText(bytes(0x61, 0xff))).toThrow('key 0x61ff: expected UTF-8');
  });

  it('F-112: half a surrogate pair is refused, since its encoding would be that of another text', () => {
    expect(() => toBytes('a\udc00')).toThrow('Invalid');
    expect(() => toBytes('\ud83d')).toThrow('Invalid');
    expect(toBytes('🙂')).toHaveLength(4);
  });
});
