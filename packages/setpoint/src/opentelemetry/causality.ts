import type { Cause } from '../workqueue/index.ts';
import type { SpanContext } from './api.ts';

/** So many batches of each cache are remembered. */
const BATCHES_MAX = 256;

interface Batch {
  /** It brought the cache from after this revision up to that one. */
  readonly after: bigint;
  readonly upTo: bigint;
  readonly context: SpanContext;
}

/** Which spans led to what: writes by what they wrote, batches by the revisions that they brought. Bounded in both. */
export class Causality {
  readonly #writesMax: number;
  /** By kind, key and revision, because writes that were sent together share a revision; the oldest first. */
  readonly #writes = new Map<string, SpanContext>();
  readonly #writesAt = new Map<string, Set<SpanContext>>();
  readonly #batches = new Map<string, Batch[]>();

  constructor(writesMax: number) {
    this.#writesMax = writesMax;
  }

  wrote(kind: string, key: string, revision: bigint, context: SpanContext): void {
    this.#writes.set(writeId(kind, key, revision), context);
    const at = `${kind}@${revision}`;
    const together = this.#writesAt.get(at) ?? new Set();
    this.#writesAt.set(at, together.add(context));
    for (const oldest of this.#writes.keys()) {
      if (this.#writes.size <= this.#writesMax) break;
      this.#writes.delete(oldest);
      this.#writesAt.delete(`${oldest.slice(0, oldest.indexOf(' '))}@${oldest.slice(oldest.lastIndexOf('@') + 1)}`);
    }
  }

  /** What a cache took in. */
  took(informer: string, after: bigint, upTo: bigint, context: SpanContext): void {
    const batches = this.#batches.get(informer) ?? [];
    this.#batches.set(informer, batches);
    batches.push({ after, upTo, context });
    if (batches.length > BATCHES_MAX) batches.shift();
  }

  /** The writes of a kind at a revision: what the batch that ends there is about. */
  writesAt(kind: string, revision: bigint): readonly SpanContext[] {
    return [...(this.#writesAt.get(`${kind}@${revision}`) ?? [])];
  }

  /** The batch that brought a revision to a cache, if it has come. */
  batchOf(informer: string, revision: bigint): SpanContext | undefined {
    const batches = this.#batches.get(informer);
    return batches?.findLast(({ after, upTo }) => after < revision && revision <= upTo)?.context;
  }

  /** The spans that a reconcile's causes name: the writes, and the batches that told of them. */
  of(causes: readonly Cause[]): readonly SpanContext[] {
    const found = new Set<SpanContext>();
    for (const { source, object, revision } of causes) {
      if (source === undefined || object === undefined || revision === undefined) continue;
      const write = this.#writes.get(writeId(source, object, revision));
      const batch = this.batchOf(source, revision);
      if (write) found.add(write);
      if (batch) found.add(batch);
    }
    return [...found];
  }
}

const writeId = (kind: string, key: string, revision: bigint): string => `${kind} ${key}@${revision}`;
