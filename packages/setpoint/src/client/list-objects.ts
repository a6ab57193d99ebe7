import { isSetpointError, type SetpointError } from '../errors/index.ts';
import {
  type AnyResourceDefinition,
  keyPrefix,
  type LabelSelector,
  labelSelector,
  type ObjectOf,
  validateNamespace,
} from '../resource/index.ts';
import { type CallOptions, type KeyValue, prefixEnd, type Revision, toBytes } from '../store/index.ts';
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

const PAGE_KEYS = 10_000;
/** How many objects are decoded before other work gets its turn: about 2 ms. */
const DECODE_SLICE = 500;
/** How often a list starts over because its revision was compacted while it was being read. */
const RESTARTS_MAX = 3;

/** Reads all objects at one revision, in pages. */
export async function listObjects<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: ListOptions,
): Promise<ObjectList<Definition>> {
  const { definition, context, codec } = writer;
  const { namespace, labelSelector: selector } = options;
  if (namespace !== undefined) validateNamespace(namespace, 'namespace', { what: `List of ${definition.kind}` });
  const matches = selector === undefined ? undefined : labelSelector(selector);
  const prefix = keyPrefix(definition, context.prefix) + (namespace === undefined ? '' : `${namespace}/`);
  const { kvs, revision } = await readPrefix(writer, prefix, options);
  const items: ObjectOf<Definition>[] = [];
  const unreadable: SetpointError[] = [];
  for (let index = 0; index < kvs.length; index++) {
    if (index % DECODE_SLICE === DECODE_SLICE - 1) await context.clock.yield();
    try {
      const object = codec.decode(kvs[index]!);
      if (!matches || matches(object.metadata.labels)) items.push(object);
    } catch (error) {
      if (!isSetpointError(error, 'Invalid')) throw error;
      unreadable.push(error);
    }
  }
  return { items, resourceVersion: String(revision), unreadable };
}

interface Snapshot {
  readonly kvs: readonly KeyValue[];
  readonly revision: Revision;
}

async function readPrefix(
  writer: ObjectWriter<AnyResourceDefinition>,
  prefix: string,
  options: CallOptions,
): Promise<Snapshot> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await readPages(writer, toBytes(prefix), options);
    } catch (error) {
      if (!isSetpointError(error, 'Compacted') || restarts >= RESTARTS_MAX) throw error;
    }
  }
}

async function readPages(
  { context }: ObjectWriter<AnyResourceDefinition>,
  prefix: Uint8Array,
  options: CallOptions,
): Promise<Snapshot> {
  const end = prefixEnd(prefix);
  const call = callOptions(options);
  const kvs: KeyValue[] = [];
  let page = await context.store.range({ key: prefix, end, limit: PAGE_KEYS }, call);
  const { revision } = page;
  for (;;) {
    for (const kv of page.kvs) kvs.push(kv);
    const last = page.kvs.at(-1);
    if (!page.more || !last) return { kvs, revision };
    const key = new Uint8Array(last.key.length + 1);
    key.set(last.key);
    page = await context.store.range({ key, end, limit: PAGE_KEYS, revision }, call);
  }
}

/** The part of some options that a store call takes. */
export function callOptions({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
