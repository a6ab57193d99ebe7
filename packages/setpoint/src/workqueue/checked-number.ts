import { SetpointError } from '../errors/index.ts';

/** What a number must be to be taken: finite always, and either at least `min` or above `above`. */
type NumberBounds = { readonly integer?: boolean } & (
  | { readonly min: number; readonly above?: never }
  | { readonly above: number; readonly min?: never }
);

function expectation({ min, above, integer }: NumberBounds): string {
  const kind = integer ? 'an integer' : 'a finite number';
  return above === undefined ? `${kind} of at least ${min}` : `${kind} above ${above}`;
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
