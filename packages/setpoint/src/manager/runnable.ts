/**
 * How something is: throws, with a sentence for people, when it is not well; returns a sentence about what somebody
 * should look at all the same; returns nothing when all is well. Must be quick.
 */
export type HealthCheck = () => string | void;

/** Anything with a life of its own: a cache, a controller, a server. */
export interface Runnable {
  /** Names it in logs and in the error when it does not stop. Default: 'unnamed'. */
  readonly name?: string;
  /**
   * Works until `signal` aborts and then resolves, once everything it started has ended, or rejects with the signal's
   * reason or an `AbortError`, as Node's own functions do. Rejects otherwise when it is broken, which stops the whole
   * manager. Returning early is allowed and means nothing more than that its work is done.
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when others may rely on it. Called right after `run`; absent means at once. A rejection stops the
   * manager, an abort of `signal` (the manager is stopping) is answered either way.
   */
  ready?(signal: AbortSignal): Promise<void>;
  /**
   * What it is doing at this moment, a few words each: shown where it doesn't become ready or doesn't stop, so that
   * whoever reads it knows where to look. Must be quick.
   */
  busyWith?(): readonly string[];
  /** Asked by the manager's `runnables` check while it runs. A lost lease throws, a key that hangs is a sentence. */
  health?(): string | void;
  /** What the debug pages show of it, by page: plain data, and never a value of an object. */
  debug?(): Readonly<Record<string, unknown>>;
}

export function nameOf(runnable: Runnable): string {
  return runnable.name ?? 'unnamed';
}

/** Where a runnable is in its life, as the manager sees it. */
export interface RunnableStatus {
  readonly group: string;
  readonly name: string;
  /** `waiting`: its group has not started. `starting`: it runs and is not ready. One that has ended is not there. */
  readonly state: 'waiting' | 'starting' | 'ready' | 'stopping';
  /** For how long it has been so. */
  readonly forMs: number;
  readonly busyWith: readonly string[];
}

/** `'websites' (leader-elected, for 31 s): default/a for 31 s`. */
export function describeStatus({ name, group, forMs, busyWith }: RunnableStatus): string {
  const where = `'${name}' (${group}, for ${Math.round(forMs / 1000)} s)`;
  return busyWith.length === 0 ? where : `${where}: ${busyWith.join(', ')}`;
}

/** What user code says of itself, or that it can't: it must not bring down whoever asks. */
export function askedSafely(ask: () => readonly string[] | undefined): readonly string[] {
  try {
    return ask() ?? [];
  } catch {
    return ['its busyWith failed'];
  }
}
