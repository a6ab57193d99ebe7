import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isQuantity, Quantity, quantity } from './index.ts';

/** What Kubernetes' own parser makes of these, by its documentation and tests. */
const CANONICAL: readonly (readonly [string, string])[] = [
  ['0', '0'],
  ['-0', '0'],
  ['+5', '5'],
  ['5.', '5'],
  ['.5', '500m'],
  ['0.5', '500m'],
  ['100m', '100m'],
  ['1000m', '1'],
  ['1500', '1500'],
  ['1000k', '1M'],
  ['1e3', '1e3'],
  ['1E3', '1e3'],
  ['1E', '1E'],
  ['12e6', '12e6'],
  ['1500e3', '1500e3'],
  ['1.5e3', '1500'],
  ['1e-3', '1e-3'],
  ['1.5Gi', '1536Mi'],
  ['1024Ki', '1Mi'],
  ['1000Ki', '1000Ki'],
  ['1Ki', '1Ki'],
  ['0.5Ki', '512'],
  ['0.1Ki', '102400m'],
  ['1n', '1n'],
  ['100000n', '100u'],
  ['-1.5Gi', '-1536Mi'],
  ['9223372036854775807', '9223372036854775807'],
];

const REFUSED = [
  '',
  ' ',
  '1 ',
  '.',
  '-',
  'm',
  '1mm',
  '1.2.3',
  '1K',
  '1ki',
  '1KiB',
  '0x10',
  '1e',
  '1e1000',
  '1,5',
  '١',
  'NaN',
  'Infinity',
  '9223372036854775808',
  '8Ei',
  '1e19',
  '0.1n',
  '1.0000000001Ki',
  '0.0000000001',
  '1'.repeat(65),
];

describe('a quantity', () => {
  it.each(CANONICAL)('reads %s and writes it as %s', (text, canonical) => {
    expect(String(quantity(text))).toBe(canonical);
    expect(isQuantity(text)).toBe(true);
  });

  it.each(REFUSED)('refuses %j with path, what came and what was expected', (text) => {
    expect(isQuantity(text)).toBe(false);
    expect(() => quantity(text, 'spec.memory')).toThrow(
      expect.objectContaining({
        code: 'Invalid',
        details: { path: 'spec.memory' },
        message: expect.stringMatching(/^Invalid: Quantity: spec\.memory: expected a number .*"1\.5Gi".*, got "/),
      }),
    );
  });

  it('refuses what is no text and no whole number', () => {
    for (const wrong of [undefined, null, {}, [], true, 0.5, Number.NaN, Infinity, 2 ** 53, 2n ** 63n]) {
      expect(() => quantity(wrong as never)).toThrow(expect.objectContaining({ code: 'Invalid' }));
    }
    expect(() => quantity(0.5)).toThrow(/"500m"/);
  });

  it('adds in the format of the first, and of the second where the first is nothing', () => {
    expect(String(quantity('1Gi').add(quantity('512Mi')))).toBe('1536Mi');
    expect(String(quantity('1').add(quantity('100m')))).toBe('1100m');
    expect(String(quantity('0').add(quantity('1Ki')))).toBe('1Ki');
    expect(String(quantity('100m').multiply(3))).toBe('300m');
    expect(() => quantity('7Ei').add(quantity('7Ei'))).toThrow(/within/);
    expect(() => quantity('1').multiply(0.5)).toThrow(/whole number/);
  });

  it('rounds up to wholes, and is the nearest number', () => {
    expect(['1m', '-1m', '1500m', '1Gi', '2'].map((text) => quantity(text).toBigInt())).toEqual([
      1n,
      0n,
      2n,
      2n ** 30n,
      2n,
    ]);
    expect(['100m', '1.5Gi', '-3'].map((text) => quantity(text).toNumber())).toEqual([0.1, 1.5 * 2 ** 30, -3]);
  });
});

/** A text with its amount in billionths, told apart from the code under test: digits times a power. */
const written = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.bigInt(0n, 10n ** 12n),
    fc.nat(9),
    fc.oneof(
      fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E'),
      fc.constantFrom('Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'),
      fc.integer({ min: -12, max: 20 }).map((power) => `e${power}`),
    ),
  )
  .map(([sign, digits, behind, suffix]) => {
    const padded = String(digits).padStart(behind + 1, '0');
    const point = padded.length - behind;
    const text = `${sign}${padded.slice(0, point)}${behind > 0 ? `.${padded.slice(point)}` : ''}${suffix}`;
    const powers: Record<string, readonly [bigint, number]> = {
      n: [10n, -9],
      u: [10n, -6],
      m: [10n, -3],
      '': [10n, 0],
      k: [10n, 3],
      M: [10n, 6],
      G: [10n, 9],
      T: [10n, 12],
      P: [10n, 15],
      E: [10n, 18],
      Ki: [2n, 10],
      Mi: [2n, 20],
      Gi: [2n, 30],
      Ti: [2n, 40],
      Pi: [2n, 50],
      Ei: [2n, 60],
    };
    const [base, power] = powers[suffix] ?? [10n, Number(suffix.slice(1))];
    const up = digits * 10n ** 9n * (power > 0 ? base ** BigInt(power) : 1n);
    const down = 10n ** BigInt(behind) * (power < 0 ? base ** BigInt(-power) : 1n);
    const fits = up % down === 0n && up / down <= (2n ** 63n - 1n) * 10n ** 9n;
    return { text, nanos: fits ? (sign === '-' ? -1n : 1n) * (up / down) : undefined };
  });
const good = written.filter(({ nanos }) => nanos !== undefined) as fc.Arbitrary<{ text: string; nanos: bigint }>;
const half = good.filter(({ nanos }) => nanos < 2n ** 61n && nanos > -(2n ** 61n));

describe('any quantity', () => {
  it('is read exactly or refused, never rounded', () =>
    fc.assert(
      fc.property(written, ({ text, nanos }) => {
        expect(isQuantity(text)).toBe(nanos !== undefined);
        if (nanos === undefined) return;
        const whole = nanos / 10n ** 9n;
        expect(quantity(text).toBigInt()).toBe(nanos > whole * 10n ** 9n ? whole + 1n : whole);
      }),
    ));

  it('comes back from its text as it was, and has one text in each format', () =>
    fc.assert(
      fc.property(good, ({ text }) => {
        const one = quantity(text);
        const again = quantity(String(one));
        expect(again.compare(one)).toBe(0);
        expect(String(again)).toBe(String(one));
        expect(JSON.stringify({ one })).toBe(JSON.stringify({ one: String(one) }));
        expect(String(one)).toMatch(/^-?[1-9]\d*(?:[KMGTPE]i|[numkMGTPE]|e-?\d+)?$|^0$/);
      }),
    ));

  it('has the largest suffix that needs no fraction', () =>
    fc.assert(
      fc.property(good, ({ text }) => {
        const [, digits, suffix = ''] = /^-?(\d+)(.*)$/.exec(String(quantity(text)))!;
        const base = suffix.endsWith('i') ? 1024n : 1000n;
        const isLast = suffix.startsWith('E') || suffix === 'e18' || digits === '0';
        if (!isLast && !isUnscaledBinary(text, suffix)) expect(BigInt(digits!) % base).not.toBe(0n);
      }),
    ));

  it('compares as the amounts do, whatever the format', () =>
    fc.assert(
      fc.property(good, good, (one, other) => {
        const expected = one.nanos < other.nanos ? -1 : one.nanos > other.nanos ? 1 : 0;
        expect(quantity(one.text).compare(quantity(other.text))).toBe(expected);
        expect(quantity(one.text).compare(quantity(one.text))).toBe(0);
      }),
    ));

  it('adds, takes away and multiplies exactly', () =>
    fc.assert(
      fc.property(half, half, fc.integer({ min: -3, max: 3 }), (one, other, times) => {
        const [a, b] = [quantity(one.text), quantity(other.text)];
        expect(a.add(b).compare(b.add(a))).toBe(0);
        expect(a.add(b).subtract(b).compare(a)).toBe(0);
        expect(a.add(b).compare(new Quantity(one.nanos + other.nanos, 'decimal'))).toBe(0);
        expect(a.multiply(times).compare(new Quantity(one.nanos * BigInt(times), 'decimal'))).toBe(0);
      }),
    ));
});

/** A binary one without a suffix is below 1024 and is written as a decimal: 1000 would be divisible there too. */
const isUnscaledBinary = (text: string, suffix: string): boolean => text.endsWith('i') && suffix === '';
