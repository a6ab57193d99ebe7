const LINES_MAX = 1_000;
/** A longer line is cut into several: Kubernetes' own limit. One that never ends must not fill the memory. */
const LINE_MAX = 16 * 1024;

/** The last thousand lines of what one run of a program said, and whoever is to be told of the next ones. */
export class LogBuffer {
  #lines: string[] = [];
  #rest = '';
  readonly #followers = new Set<(line: string) => void>();
  readonly #ended = new AbortController();

  /** What came from one of the program's streams, in pieces of whatever size. */
  add(text: string): void {
    const lines = (this.#rest + text).split('\n').map(pieces);
    const unfinished = lines.pop() ?? [];
    this.#rest = unfinished.pop() ?? '';
    for (const line of [...lines.flat(), ...unfinished]) this.#push(line);
  }

  /** The program has ended: there will be no more. */
  end(): void {
    if (this.#rest !== '') this.#push(this.#rest);
    this.#rest = '';
    this.#ended.abort();
  }

  /** Aborts when there will be no more. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  lines(tail = LINES_MAX): readonly string[] {
    return tail === 0 ? [] : this.#lines.slice(-tail);
  }

  /** Calls `follower` for each further line, until the returned function is called. */
  follow(follower: (line: string) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #push(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
    for (const follower of this.#followers) follower(line);
  }
}

/** A line in pieces of at most {@link LINE_MAX} characters: at least one. */
function pieces(line: string): string[] {
  const count = Math.max(Math.ceil(line.length / LINE_MAX), 1);
  return Array.from({ length: count }, (_, index) => line.slice(index * LINE_MAX, (index + 1) * LINE_MAX));
}
