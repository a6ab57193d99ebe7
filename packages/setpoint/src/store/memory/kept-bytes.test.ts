import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../internal/fake-clock.ts';
import { copyBytes, keep, keptText } from './kept-bytes.ts';
import { memoryStore } from './memory-store.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('what the memory store keeps of bytes', () => {
  it.each(['', 'a', 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(1024), 'x'.repeat(1025), 'é'.repeat(600), '\u{10ffff}'])(
    'gives back what it was given, as text and as bytes',
    (text) => {
      for (const input of [text, bytes(text)]) {
        const copy = copyBytes(keep(input));
        expect(copy).toEqual(bytes(text));
        expect(copy.buffer.byteLength).toBe(copy.length);
        expect(keptText(keep(input))).toBe(Buffer.from(text).toString('latin1'));
      }
    },
  );

  it('keeps every byte as it is, and nothing of the array that it came in', () => {
    for (const times of [1, 8]) {
      const all = Uint8Array.from({ length: 256 * times }, (_, index) => index % 256);
      const given = new Uint8Array(all);
      const kept = keep(given);
      given.fill(0);
      expect(copyBytes(kept)).toEqual(all);
    }
  });

  it('writing into an answer does not reach the store, short or long', async () => {
    const store = memoryStore({ clock: new FakeClock() });
    for (const value of ['short', 'l'.repeat(5000)]) {
      await store.put({ key: 'a', value });
      (await store.range({ key: 'a' })).kvs[0]!.value.fill(0);
      (await store.range({ key: 'a' })).kvs[0]!.key.fill(0);
      expect((await store.range({ key: 'a' })).kvs[0]!.value).toEqual(bytes(value));
    }
  });
});
