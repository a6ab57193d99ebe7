/** Who wrote in which order, where one process at a time may. */
export class Succession {
  #writer: string | undefined;
  /** Those after whom somebody else has written. */
  readonly #deposed = new Set<string>();

  /** Notes a write; gives whoever had taken the writer's place before, if anybody had. */
  wrote(writer: string): string | undefined {
    const successor = this.#deposed.has(writer) ? this.#writer : undefined;
    if (this.#writer !== undefined && this.#writer !== writer) this.#deposed.add(this.#writer);
    this.#writer = writer;
    return successor;
  }
}
