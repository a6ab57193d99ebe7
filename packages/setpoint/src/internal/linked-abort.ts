import { letManyListen } from './many-listeners.ts';

/**
 * A controller that also aborts when any of `parents` does, with the parent's reason. Unlike `AbortSignal.any` on
 * Node 20 it lets go of its parents: call `unlink` when the work is over, or a long-lived parent keeps one listener
 * for every attempt ever made.
 */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Aborts with this one too, until `unlink`. */
  follow(parent: AbortSignal | undefined): void;
  /** Lets go of all that it follows. It may follow again. */
  unlink(): void;
}

export function linkedAbort(...parents: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  letManyListen(controller.signal);
  const links: (() => void)[] = [];
  const follow = (parent: AbortSignal | undefined): void => {
    if (!parent) return;
    if (parent.aborted) return controller.abort(parent.reason);
    letManyListen(parent);
    const onAbort = (): void => controller.abort(parent.reason);
    parent.addEventListener('abort', onAbort, { once: true });
    links.push(() => parent.removeEventListener('abort', onAbort));
  };
  parents.forEach(follow);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    follow,
    unlink: () => links.splice(0).forEach((remove) => remove()),
  };
}
