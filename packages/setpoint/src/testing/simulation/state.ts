import type { AnyResourceDefinition, ObjectOf, ResourceObject } from '../../resource/index.ts';
import type { KeyValue, Revision, WatchEvent } from '../../store/index.ts';

/** What is stored, as the laws of a simulation see it: exact at each revision, read-only. */
export interface WorldState {
  readonly revision: Revision;
  /** Virtual milliseconds since the world began. */
  readonly now: number;
  get<Kind extends AnyResourceDefinition>(kind: Kind, ref: string): ObjectOf<Kind> | undefined;
  /** In key order. */
  list<Kind extends AnyResourceDefinition>(kind: Kind): readonly ObjectOf<Kind>[];
  /** Every object of every kind, in key order. */
  all(): readonly ResourceObject[];
  /** The outside world, as the simulation was given it. */
  readonly externals: Readonly<Record<string, unknown>>;
}

/** One key as a schedule left it. */
export interface MirroredKey {
  readonly key: string;
  readonly value: Uint8Array;
  /** The value as JSON; undefined for what is none. */
  readonly object: ResourceObject | undefined;
}

/** Follows the store revision by revision. */
export class MirroredState implements WorldState {
  revision: Revision = 0n;
  readonly keys = new Map<string, MirroredKey>();
  readonly externals: Readonly<Record<string, unknown>>;
  readonly #prefix: string;
  readonly #now: () => number;

  constructor(prefix: string, now: () => number, externals: Readonly<Record<string, unknown>>) {
    this.#prefix = prefix;
    this.#now = now;
    this.externals = externals;
  }

  get now(): number {
    return this.#now();
  }

  /** Everything there is, whatever was there before. */
  replace(revision: Revision, kvs: readonly KeyValue[]): void {
    this.keys.clear();
    this.apply(
      revision,
      kvs.map((kv) => ({ type: 'put', kv })),
    );
  }

  apply(revision: Revision, events: readonly WatchEvent[]): void {
    this.revision = revision;
    for (const { type, kv } of events) {
      const key = Buffer.from(kv.key).toString();
      if (type === 'delete') this.keys.delete(key);
      else this.keys.set(key, { key, value: kv.value, object: objectIn(kv.value, kv.modRevision) });
    }
  }

  /** Keys and values, as they stand. */
  content(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.keys].map(([key, { value }]) => [key, value]));
  }

  get<Kind extends AnyResourceDefinition>(kind: Kind, ref: string): ObjectOf<Kind> | undefined {
    const place = kind.scope === 'Cluster' || ref.includes('/') ? ref : `default/${ref}`;
    return this.keys.get(`${this.#prefix}/${kind.plural}/${place}`)?.object as ObjectOf<Kind> | undefined;
  }

  list<Kind extends AnyResourceDefinition>(kind: Kind): readonly ObjectOf<Kind>[] {
    return this.#under(`${this.#prefix}/${kind.plural}/`) as unknown as readonly ObjectOf<Kind>[];
  }

  all(): readonly ResourceObject[] {
    return this.#under(`${this.#prefix}/`);
  }

  #under(prefix: string): readonly ResourceObject[] {
    const found: MirroredKey[] = [];
    for (const each of this.keys.values()) if (each.object && each.key.startsWith(prefix)) found.push(each);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ object }) => object!);
  }
}

/** The object that a value is the JSON of, as of this revision; undefined for what is none. */
export function objectIn(value: Uint8Array, revision?: Revision): ResourceObject | undefined {
  try {
    const object = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()) as {
      metadata?: Record<string, unknown>;
    };
    if (typeof object !== 'object' || !object?.metadata || typeof object.metadata !== 'object') return undefined;
    if (revision !== undefined) object.metadata['resourceVersion'] = String(revision);
    return object as unknown as ResourceObject;
  } catch {
    return undefined;
  }
}
