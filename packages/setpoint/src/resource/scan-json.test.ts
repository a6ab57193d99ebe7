import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlain, scanJson } from './scan-json.ts';

describe('isPlain', () => {
  it('F-110, F-111: never passes what the whole scan refuses, wherever it stands', () => {
    const piece = fc.oneof(
      fc.constantFrom('{"a":', '[', ']', '}', ',', '"é\\"', '"', '1e5', '0.5'),
      fc.integer({ min: 1, max: 40 }).map((count) => '[{'.repeat(count)),
      fc.integer({ min: 1, max: 20 }).map((count) => '9'.repeat(count)),
      fc.string({ maxLength: 20 }),
    );
    let [refused, passed] = [0, 0];
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const bytes = Buffer.from(text);
        const fault = scanJson(bytes);
        const isRefused = fault === 'deep' || fault === 'wide';
        if (isRefused) expect(isPlain(text, bytes)).toBe(false);
        refused += Number(isRefused);
        passed += Number(isPlain(text, bytes));
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(refused, passed)).toBeGreaterThan(50);
  });

  it('F-111: sees sixteen digits at every offset', () => {
    for (let offset = 0; offset < 40; offset++) {
      const text = `${' '.repeat(offset)}1234567890123456`;
      expect([offset, isPlain(text, Buffer.from(text))]).toEqual([offset, false]);
      expect([offset, isPlain(text.slice(0, -1), Buffer.from(text.slice(0, -1)))]).toEqual([offset, true]);
    }
  });
});
