import { SetpointError } from '../errors/index.ts';

/** What a number must be to be taken: finite always, and within these bounds. */
interface NumberBounds {
  readonly min?: number;
  readonly above?: number;
  readonly integer?: boolean;
}

function expectation({ min, above, integer }: NumberBounds): string {
  const kind = integer ? 'an integer' : 'a finite number';
  if (above !== undefined) return `${kind} above ${above}`;
  return min === undefined ? kind : `${kind} of at least ${min}`;
}

/** Returns `value`, or throws `Invalid` naming `path`, what was expected and what came. */
export function checkedNumber(path: string, value: number, bounds: NumberBounds): number {
  const { min = -Infinity, above = -Infinity, integer = false } = bounds;
  const fits = Number.isFinite(value) && value >= min && value > above && (!integer || Number.isInteger(value));
  if (fits) return value;
  const received = typeof value === 'number' ? String(value) : typeof value;
  throw new SetpointError('Invalid', `${path} must be ${expectation(bounds)}, but ${received} was given`, {
    details: { path },
  });
}
