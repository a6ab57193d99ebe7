import { invalid, kindOf, quote, type Subject } from './describe.ts';

/**
 * How a quantity is written: with `Ki`, `Mi`, … (powers of 1024), with `m`, `k`, `M`, … or with an exponent (both of
 * 1000).
 */
export type QuantityFormat = 'binary' | 'decimal' | 'exponent';

/** All arithmetic is in billionths, so that it is exact. */
const NANOS = 1_000_000_000n;
/** Kubernetes' bound: 2⁶³−1 wholes. */
const WHOLES_MAX = 2n ** 63n - 1n;

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** From 10⁻⁹ in steps of a thousand. */
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const STEPS_BELOW_ONE = 3;

const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;
/** Longer texts are no quantities: the largest is 19 digits and the smallest step 9 behind the point. */
const TEXT_MAX = 64;
const EXPECTED =
  'a number with an optional suffix, such as "100m", "1.5Gi" or "1e3", of at most 9223372036854775807 and no finer than 1n';

/**
 * An amount as Kubernetes writes it: `100m` (of a processor), `1.5Gi` (bytes), `1e3`. Immutable, exact, and made by
 * {@link quantity}. Objects carry it as text: `String(quantity)`.
 */
export class Quantity {
  readonly format: QuantityFormat;
  /** In billionths. */
  readonly #nanos: bigint;

  /** Made by {@link quantity}, {@link add} and {@link subtract}. */
  constructor(nanos: bigint, format: QuantityFormat) {
    this.#nanos = nanos;
    this.format = format;
  }

  /** The sum, written as this one is, or as the other where this is 0. Throws `Invalid` when it is out of range. */
  add(other: Quantity): Quantity {
    return bounded(this.#nanos + other.#nanos, this.#nanos === 0n ? other.format : this.format);
  }

  /** The difference, on the same terms. */
  subtract(other: Quantity): Quantity {
    return bounded(this.#nanos - other.#nanos, this.#nanos === 0n ? other.format : this.format);
  }

  /** So many times this. Throws `Invalid` when `times` is no whole number, or the product is out of range. */
  multiply(times: number | bigint): Quantity {
    return bounded(this.#nanos * wholeNumber(times, { what: 'Quantity' }, 'times'), this.format);
  }

  /** Below 0 when this is less than the other, 0 when they are the same amount however written, above 0 when more. */
  compare(other: Quantity): number {
    return this.#nanos < other.#nanos ? -1 : this.#nanos > other.#nanos ? 1 : 0;
  }

  /** The amount in wholes, rounded up: bytes to reserve, say. */
  toBigInt(): bigint {
    const down = this.#nanos / NANOS;
    return this.#nanos > down * NANOS ? down + 1n : down;
  }

  /** The nearest number. For showing and for ratios: sums and comparisons are exact only between quantities. */
  toNumber(): number {
    return Number(`${this.#nanos}e-9`);
  }

  /**
   * The one way to write this amount in its format, Kubernetes' own: no fraction, the largest suffix that allows that.
   * `1.5Gi` is `1536Mi`, `0.5` is `500m`. A binary one that is below 1024, or no whole number, is written as a decimal.
   */
  toString(): string {
    if (this.#nanos === 0n) return '0';
    const isWhole = this.#nanos % NANOS === 0n;
    const wholes = this.#nanos / NANOS;
    if (this.format === 'binary' && isWhole && (wholes >= 1024n || wholes <= -1024n)) {
      const { mantissa, steps } = reduced(wholes, 1024n, BINARY.length - 1);
      return `${mantissa}${BINARY[steps]!}`;
    }
    const { mantissa, steps } = reduced(this.#nanos, 1000n, DECIMAL.length - 1);
    if (this.format !== 'exponent') return `${mantissa}${DECIMAL[steps]!}`;
    const exponent = 3 * (steps - STEPS_BELOW_ONE);
    return exponent === 0 ? String(mantissa) : `${mantissa}e${exponent}`;
  }

  /** {@link toString}, so that `JSON.stringify` writes what `quantity` reads. */
  toJSON(): string {
    return this.toString();
  }
}

/**
 * Reads an amount: a text such as `100m`, `1.5Gi` or `1e3`, or a whole number. Throws `Invalid`, with `path`, for
 * anything else, and for what is beyond ±(2⁶³−1) or finer than a billionth, which Kubernetes would cap and round: an
 * amount is never changed silently.
 */
export function quantity(
  input: string | number | bigint,
  path = '',
  subject: Subject = { what: 'Quantity' },
): Quantity {
  if (typeof input === 'number' || typeof input === 'bigint') {
    return checkedRange(wholeNumber(input, subject, path) * NANOS, 'decimal', () => outOfRange(subject, path, input));
  }
  if (typeof input !== 'string') throw invalid(subject, path, EXPECTED, kindOf(input));
  const refused = (): Error => invalid(subject, path, EXPECTED, quote(input));
  const match = input.length > TEXT_MAX ? null : SHAPE.exec(input);
  if (!match) throw refused();
  const [, sign, whole = '', fraction = '', binary, decimal, exponent] = match;
  if (whole === '' && fraction === '') throw refused();
  const digits = BigInt(whole + fraction);
  const [times, format] = scaleOf(binary, decimal, exponent);
  // The digits are wholes of 10^-fraction.length; what is left of the division would be finer than a billionth.
  const { numerator, denominator } = times;
  const scaled = digits * numerator * NANOS;
  const divisor = denominator * 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) throw refused();
  const nanos = scaled / divisor;
  return checkedRange(sign === '-' ? -nanos : nanos, format, refused);
}

/** Whether {@link quantity} reads it: for schemas, `z.string().refine(isQuantity, 'a quantity such as 1.5Gi')`. */
export function isQuantity(input: unknown): input is string {
  if (typeof input !== 'string') return false;
  try {
    quantity(input);
    return true;
  } catch {
    return false;
  }
}

interface Scale {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function scaleOf(
  binary: string | undefined,
  decimal: string | undefined,
  exponent: string | undefined,
): [Scale, QuantityFormat] {
  if (binary !== undefined) return [powerOf(1024n, BINARY.indexOf(binary)), 'binary'];
  if (exponent !== undefined) return [powerOf(10n, Number(exponent)), 'exponent'];
  return [powerOf(1000n, DECIMAL.indexOf(decimal ?? '') - STEPS_BELOW_ONE), 'decimal'];
}

function powerOf(base: bigint, power: number): Scale {
  const size = base ** BigInt(Math.abs(power));
  return power < 0 ? { numerator: 1n, denominator: size } : { numerator: size, denominator: 1n };
}

/** As many whole steps as there are in a number, and what is left of it. */
function reduced(
  amount: bigint,
  base: bigint,
  stepsMax: number,
): { readonly mantissa: bigint; readonly steps: number } {
  let mantissa = amount;
  let steps = 0;
  for (; steps < stepsMax && mantissa % base === 0n; steps++) mantissa /= base;
  return { mantissa, steps };
}

function bounded(nanos: bigint, format: QuantityFormat): Quantity {
  return checkedRange(nanos, format, () => outOfRange({ what: 'Quantity' }, '', nanos / NANOS));
}

function checkedRange(nanos: bigint, format: QuantityFormat, refused: () => Error): Quantity {
  if (nanos > WHOLES_MAX * NANOS || nanos < -WHOLES_MAX * NANOS) throw refused();
  return new Quantity(nanos, format);
}

const outOfRange = (subject: Subject, path: string, came: number | bigint): Error =>
  invalid(subject, path, `an amount within ±${WHOLES_MAX}`, String(came));

function wholeNumber(input: number | bigint, subject: Subject, path: string): bigint {
  if (typeof input === 'bigint') return input;
  if (Number.isSafeInteger(input)) return BigInt(input);
  const came = typeof input === 'number' ? String(input) : kindOf(input);
  throw invalid(subject, path, 'a whole number within ±(2^53-1)', came, 'Write a fraction as a text, such as "500m".');
}
