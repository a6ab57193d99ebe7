/** Failures per key: the state that the per-key limiters share. A key that was forgotten has no entry. */
export class FailureCounts {
  readonly #counts = new Map<string, number>();

  /** Counts one more, and returns how many there were before it. */
  next(key: string): number {
    const before = this.of(key);
    this.#counts.set(key, before + 1);
    return before;
  }

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#counts.delete(key);
  }
}
