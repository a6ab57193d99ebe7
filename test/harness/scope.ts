/** Things that must go when a piece of work is over: each in the opposite order of its making, also on failure. */
export class Scope {
  readonly #disposals: (() => unknown)[] = [];

  defer(dispose: () => unknown): void {
    this.#disposals.push(dispose);
  }

  /** Disposes of everything, also after one could not be; rejects with the first failure. */
  async dispose(): Promise<void> {
    const failures: unknown[] = [];
    for (let dispose = this.#disposals.pop(); dispose; dispose = this.#disposals.pop()) {
      try {
        await dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
