import { SetpointError } from '../errors/index.ts';
import type { Revision } from './port.ts';

/** Refuses (`Invalid`) a `WatchOptions.behindMax` that is no number of revisions. */
export function checkBehindMax(behindMax: number | undefined): void {
  if (behindMax === undefined || behindMax >= 0) return;
  throw new SetpointError('Invalid', `watch.behindMax: expected a number from 0, received ${String(behindMax)}`, {
    details: { path: 'watch.behindMax' },
  });
}

/**
 * The error that ends a watch whose next revision is `next` while the store is at `present`, when that is further than
 * `behindMax` allows. A watch without a next revision begins at the present.
 */
export function farBehind(
  next: Revision | undefined,
  present: Revision,
  behindMax: number | undefined,
  watch: string,
): SetpointError | undefined {
  if (next === undefined || behindMax === undefined) return undefined;
  const behind = present + 1n - next;
  if (behind <= behindMax) return undefined;
  const text = `${watch} from revision ${next}: ${behind} revisions behind the store, more than ${behindMax}`;
  return new SetpointError('FarBehind', `${text}; list again and watch from there, which is faster than catching up`, {
    details: { revision: present },
  });
}
