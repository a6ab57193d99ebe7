/** Anything with a life of its own: a cache, a controller, a server. */
export interface Runnable {
  /** Names it in logs and in the error when it does not stop. Default: 'unnamed'. */
  readonly name?: string;
  /**
   * Works until `signal` aborts and then resolves, once everything it started has ended. Rejects when it is broken,
   * which stops the whole manager. Returning early is allowed and means nothing more than that its work is done.
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Resolves when others may rely on it. Called right after `run`; absent means at once. A rejection stops the
   * manager, an abort of `signal` (the manager is stopping) is answered either way.
   */
  ready?(signal: AbortSignal): Promise<void>;
}

export function nameOf(runnable: Runnable): string {
  return runnable.name ?? 'unnamed';
}
