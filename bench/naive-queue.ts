/**
 * The queue that one writes in five minutes and as fast as one can: a Map for what is known and an array with a moving
 * start. It drops what is added while it is queued or held, knows no delays, no waiting and no shutdown. It is here to
 * show what the promises of the real one cost.
 */
export class NaiveQueue {
  readonly #known = new Map<string, 'queued' | 'held'>();
  #keys: string[] = [];
  #start = 0;

  add(key: string): void {
    if (this.#known.has(key)) return;
    this.#known.set(key, 'queued');
    this.#keys.push(key);
  }

  tryGet(): string | undefined {
    if (this.#start === this.#keys.length) return undefined;
    const key = this.#keys[this.#start++]!;
    if (this.#start > 1024 && this.#start * 2 > this.#keys.length) {
      this.#keys = this.#keys.slice(this.#start);
      this.#start = 0;
    }
    this.#known.set(key, 'held');
    return key;
  }

  done(key: string): void {
    this.#known.delete(key);
  }
}
