import { SetpointError } from '../errors/index.ts';
import { type AnyResourceDefinition, checkOptionNames, kindOf } from '../resource/index.ts';
import type { Fairness, RateLimiter } from '../workqueue/index.ts';

/** What something is to be, in words for a message, and whether it is. */
interface Shape {
  readonly one: string;
  readonly list: string;
  readonly fits: (value: unknown) => boolean;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** Whether a value has functions of these names. */
function hasFunctions(value: unknown, ...names: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && names.every((name) => isFunction(Reflect.get(value, name)));
}

export const FUNCTION: Shape = { one: 'a function', list: 'a list of functions', fits: isFunction };

export const KIND: Shape = {
  one: 'a kind made by defineResource',
  list: 'a list of kinds made by defineResource',
  fits: (value) =>
    typeof (value as AnyResourceDefinition | undefined)?.plural === 'string' && typeof value === 'object',
};

export const SOURCE: Shape = {
  one: 'a source, such as observableSource(…) makes',
  list: 'a list of sources, such as observableSource(…) makes',
  fits: (value) => hasFunctions(value, 'start'),
};

export const RUNNABLE: Shape = {
  one: 'an object with a function run(signal)',
  list: 'a list of runnables',
  fits: (value) => hasFunctions(value, 'run'),
};

export const CONTROLLER: Shape = {
  one: 'what defineController makes',
  list: 'a list of what defineController makes',
  fits: (value) => hasFunctions(value, 'reconcile') && KIND.fits(Reflect.get(value as object, 'definition')),
};

export const FLAG: Shape = { one: 'true or false', list: '', fits: (value) => typeof value === 'boolean' };

/** Whatever else it is: what its parts are is checked by who knows them. */
export const ANYTHING = (one: string, list: string): Shape => ({ one, list, fits: () => true });

/** Refuses what does not have its shape with `Invalid`, naming it. */
export function checkShape(what: string, value: unknown, { one, fits }: Shape): void {
  if (!fits(value)) throw new SetpointError('Invalid', `${what} must be ${one}; got ${kindOf(value)}`);
}

/** The same for a list and each of its members; it may be left out. */
export function checkList(what: string, value: unknown, shape: Shape): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw new SetpointError('Invalid', `${what} must be ${shape.list}; got ${kindOf(value)}`);
  // Not forEach: that passes over what a list has no member for.
  for (const [index, each] of value.entries()) checkShape(`${what}[${index}]`, each, shape);
}

/** The same for what may be left out. */
export function checkOptional(what: string, value: unknown, shape: Shape): void {
  if (value !== undefined) checkShape(what, value, shape);
}

const LIMITER: Shape = {
  one: 'a RateLimiter, such as exponentialLimiter()',
  list: '',
  fits: (value) => hasFunctions(value, 'when', 'forget', 'failures'),
};
const FLOWS: Shape = {
  one: 'false or { flowOf }, a function from a key to whose it is',
  list: '',
  fits: (value) => hasFunctions(value, 'flowOf'),
};
const COUNT: Shape = {
  one: 'a whole number of at least 0',
  list: '',
  fits: (value) => Number.isInteger(value) && (value as number) >= 0,
};

/** What of a controller's tuning is more than a number. */
export function checkTuning(
  what: string,
  { rateLimiter, fairness, history }: { rateLimiter?: RateLimiter; fairness?: Fairness | false; history?: object },
): void {
  checkOptional(`${what} rateLimiter`, rateLimiter, LIMITER);
  if (fairness !== undefined && fairness !== false) {
    if (typeof fairness === 'object') checkOptionNames(`${what} fairness`, fairness, ['flowOf', 'weightOf']);
    checkShape(`${what} fairness`, fairness, FLOWS);
    checkOptional(`${what} fairness.weightOf`, fairness.weightOf, FUNCTION);
  }
  if (history === undefined) return;
  const limits = ['runsPerKey', 'keysMax'];
  checkOptionNames(`${what} history`, history, limits);
  for (const limit of limits) checkOptional(`${what} history.${limit}`, Reflect.get(history, limit), COUNT);
}
