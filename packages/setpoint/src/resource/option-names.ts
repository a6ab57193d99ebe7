import { SetpointError } from '../errors/index.ts';
import { kindOf } from './describe.ts';
import { nearestName } from './nearest-name.ts';

/**
 * Refuses what is no object, or has a property that is none of `known`, with `Invalid`: an option that is misspelt
 * must not be dropped in silence. JavaScript has no compiler to say so, and objects that were made elsewhere escape
 * TypeScript.
 */
export function checkOptionNames(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new SetpointError('Invalid', `${what} takes an object of options; got ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? `it takes ${known.join(', ')}` : `did you mean '${nearest}'?`;
  throw new SetpointError('Invalid', `${what} has no option '${unknown}': ${hint}`);
}
