import { isSetpointError, SetpointError } from '../errors/index.ts';
import { type Codec, deepFreeze } from '../resource/index.ts';
import { withUnchangedParts } from '../resource/unchanged-parts.ts';
import { toBytes } from '../store/key-range.ts';
import type { KeyValue, Revision } from '../store/port.ts';
import { CachedEntry } from './cached-entry.ts';
import type { Entry } from './lister.ts';
import type { Transform } from './transform.ts';

/** A stored value that the codec or the transform refuses. */
export interface Unreadable {
  readonly key: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly error: SetpointError;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Half a surrogate pair: no UTF-8 gives it, so that no readable key starts like the name of an unreadable one. */
const UNREADABLE_MARK = '\uD800';

export interface EntryDecoderOptions<T> {
  readonly codec: Pick<Codec<unknown>, 'decode' | 'decodesFreshJson'>;
  /** What is cached of each object. Absent: the object itself. */
  readonly transform: Transform<unknown, T> | undefined;
  readonly prefix: string;
  readonly freeze: boolean;
  /** Told when the transform throws, which makes the value unreadable. Must not throw. */
  readonly onTransformError: (error: unknown, key: string) => void;
}

/** From what the store holds under one prefix to entries of the cache. Never throws. */
export class EntryDecoder<T> {
  readonly #options: EntryDecoderOptions<T>;
  readonly #prefix: Uint8Array;

  constructor(options: EntryDecoderOptions<T>) {
    this.#options = options;
    this.#prefix = toBytes(options.prefix);
  }

  /** Whether a key is under the prefix at all. */
  owns(key: Uint8Array): boolean {
    const prefix = this.#prefix;
    for (let at = 0; at < prefix.length; at++) if (prefix[at] !== key[at]) return false;
    return true;
  }

  /** What the cache calls a key: its text after the prefix, and for bytes that aren't text a name of their own. */
  nameOf(key: Uint8Array): string {
    try {
      return decoder.decode(key.subarray(this.#prefix.length));
    } catch {
      return UNREADABLE_MARK + Buffer.from(key).toString('hex');
    }
  }

  /** The entry, under `key`, or why it can't be read. `before`: what was cached, whose unchanged parts it may keep. */
  decode(kv: KeyValue, key: string, before: Entry<T> | undefined): Entry<T> | Unreadable {
    const { createRevision, modRevision } = kv;
    try {
      if (key.startsWith(UNREADABLE_MARK))
        throw new SetpointError('Invalid', 'expected a key in UTF-8, received other bytes');
      const { codec, transform } = this.#options;
      const decoded = codec.decode(kv);
      const object = transform ? this.#transformed(transform, decoded, key) : this.#sharing(decoded as T, before);
      return new CachedEntry(key, this.#options.freeze ? frozen(object) : object, createRevision, modRevision);
    } catch (error) {
      return { key, createRevision, modRevision, error: asInvalid(error, key) };
    }
  }

  #sharing(object: T, before: Entry<T> | undefined): T {
    return before && this.#options.codec.decodesFreshJson ? withUnchangedParts(object, before.object) : object;
  }

  #transformed(transform: Transform<unknown, T>, object: unknown, key: string): T {
    try {
      return transform(object, key);
    } catch (cause) {
      this.#options.onTransformError(cause, key);
      const message = `the object at ${key}: its transform failed, so that it is isolated: mend the function`;
      throw new SetpointError('Invalid', message, { cause, details: { key } });
    }
  }
}

export function isUnreadable<T>(decoded: Entry<T> | Unreadable): decoded is Unreadable {
  return !(decoded instanceof CachedEntry);
}

/** Frozen as far as it goes: a codec may make something that can't be, such as a byte array. */
function frozen<T>(object: T): T {
  try {
    return deepFreeze(object);
  } catch {
    return object;
  }
}

function asInvalid(error: unknown, key: string): SetpointError {
  if (isSetpointError(error, 'Invalid')) return error;
  return new SetpointError('Invalid', `the value of ${key}: the codec failed`, { cause: error, details: { key } });
}
