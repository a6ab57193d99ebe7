import { isSetpointError, type SetpointError } from '../errors/index.ts';
import {
  type AnyResourceDefinition,
  keyPrefix,
  type LabelPredicate,
  type LabelSelector,
  labelSelector,
  type ObjectOf,
  validateNamespace,
} from '../resource/index.ts';
import { type CallOptions, type KeyValue, listPages, type RangeResponse, type Revision } from '../store/index.ts';
import type { ObjectWriter } from './object-writer.ts';

export interface ListOptions extends CallOptions {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** As an object or as text, such as `app=web,tier!=db`. Default: everything. */
  readonly labelSelector?: LabelSelector | string | undefined;
}

/** The objects of a kind at one revision. */
export interface ObjectList<Definition> {
  /** In key order. */
  readonly items: readonly ObjectOf<Definition>[];
  /** The revision of the whole list: watching from the next one misses nothing. */
  readonly resourceVersion: string;
  /** One `Invalid` error for each key whose value is no object of the kind; the others are listed all the same. */
  readonly unreadable: readonly SetpointError[];
}

/** How many objects are decoded before other work gets its turn: about 2 ms. */
const DECODE_SLICE = 500;
/** How often a list starts over because its revision was compacted while it was being read. */
const RESTARTS_MAX = 3;

/** Reads all objects at one revision, in pages. */
export async function listObjects<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: ListOptions,
): Promise<ObjectList<Definition>> {
  const { definition, context } = writer;
  const { namespace, labelSelector: selector } = options;
  if (namespace !== undefined) validateNamespace(namespace, 'namespace', { what: `List of ${definition.kind}` });
  const matches = selector === undefined ? undefined : labelSelector(selector);
  const prefix = keyPrefix(definition, context.prefix) + (namespace === undefined ? '' : `${namespace}/`);
  const call = callOptions(options);
  for (let restarts = 0; ; restarts++) {
    const list = new GatheredList(writer, matches);
    try {
      for await (const page of listPages(context.store, { prefix }, call)) await list.add(page);
      return list.result;
    } catch (error) {
      if (!isSetpointError(error, 'Compacted') || restarts >= RESTARTS_MAX) throw error;
    }
  }
}

/** A list as its pages come in: of each, only the objects are kept. */
class GatheredList<Definition extends AnyResourceDefinition> {
  readonly #writer: ObjectWriter<Definition>;
  readonly #matches: LabelPredicate | undefined;
  readonly #items: ObjectOf<Definition>[] = [];
  readonly #unreadable: SetpointError[] = [];
  #revision: Revision = 0n;
  #decoded = 0;

  constructor(writer: ObjectWriter<Definition>, matches: LabelPredicate | undefined) {
    this.#writer = writer;
    this.#matches = matches;
  }

  get result(): ObjectList<Definition> {
    return { items: this.#items, resourceVersion: String(this.#revision), unreadable: this.#unreadable };
  }

  async add({ kvs, revision }: RangeResponse): Promise<void> {
    this.#revision = revision;
    for (const kv of kvs) {
      if (++this.#decoded % DECODE_SLICE === 0) await this.#writer.context.clock.yield();
      this.#decode(kv);
    }
  }

  #decode(kv: KeyValue): void {
    try {
      const object = this.#writer.codec.decode(kv);
      if (!this.#matches || this.#matches(object.metadata.labels)) this.#items.push(object);
    } catch (error) {
      if (!isSetpointError(error, 'Invalid')) throw error;
      this.#unreadable.push(error);
    }
  }
}

/** The part of some options that a store call takes. */
export function callOptions({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
