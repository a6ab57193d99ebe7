/** Things that must go when a piece of work is over: each in the opposite order of its making, also on failure. */
export class Scope {
  readonly #disposals: (() => unknown)[] = [];

  defer(dispose: () => unknown): void {
    this.#disposals.push(dispose);
  }

  async dispose(): Promise<void> {
    for (let dispose = this.#disposals.pop(); dispose; dispose = this.#disposals.pop()) await dispose();
  }
}
