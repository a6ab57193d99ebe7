import type { AnyResourceDefinition, ObjectOf } from './definition.ts';
import { invalid, quote, type Subject } from './describe.ts';
import { keyPrefix, keyText, parseKeyUnder } from './key.ts';
import { checkShape } from './object-shape.ts';
import { decodeText, parseJson } from './parse-json.ts';
import { readSpec } from './schema-validation.ts';

/** As much of a stored key as decoding takes. The Store's key-values fit. */
export interface StoredValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly modRevision: bigint;
}

/** Values to bytes and back. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  /** Throws `Invalid` with key, revision and what is wrong with the value, never the value. */
  decode(stored: StoredValue): T;
}

/**
 * The codec of a kind's objects: JSON. `metadata.resourceVersion` is not stored: decoding fills it in from the
 * revision. Decoding trusts nothing (see {@link parseJson}, {@link checkShape}): the object must be of this kind and at
 * this key, and its spec must satisfy the schema, whose defaults are filled in. Fields that nobody knows are kept, so
 * that writing the object back loses nothing. A decoded object shares nothing with other objects.
 */
export function resourceCodec<Definition extends AnyResourceDefinition>(
  definition: Definition,
  prefix?: string,
): Codec<ObjectOf<Definition>> {
  const start = keyPrefix(definition, prefix);
  return {
    encode(object) {
      const metadata = { ...object.metadata, resourceVersion: undefined };
      return Buffer.from(JSON.stringify({ ...object, metadata }));
    },
    decode({ key, value, modRevision }) {
      const text = keyText(key);
      const ref = parseKeyUnder(definition, text, start);
      const subject: Subject = {
        what: `${definition.kind} stored at ${text}`,
        next: 'Put a good value in its place or delete the key.',
        details: { key: text, revision: modRevision },
      };
      const object = parseJson(value, subject);
      checkShape(object, definition, ref, subject);
      object.metadata.resourceVersion = String(modRevision);
      object.spec = readSpec(definition, object.spec, subject);
      return object as unknown as ObjectOf<Definition>;
    },
  };
}

/** What an error says it is about: put into words only once there is one, since most values are good. */
const subjectOf = (stored: StoredValue): Subject => ({
  get what() {
    return `Value stored at ${quote(keyText(stored.key))}`;
  },
  get details() {
    return { key: keyText(stored.key), revision: stored.modRevision };
  },
});

/** Plain text, in UTF-8. Decoding other bytes throws `Invalid`. */
export const textCodec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode(stored) {
    const text = decodeText(stored.value);
    if (text === undefined) throw invalid(subjectOf(stored), 'value', 'text in UTF-8', 'bytes that are not UTF-8');
    return text;
  },
};

/** Any JSON. Decoding has the safety rules of {@link parseJson}. */
export const jsonCodec: Codec<unknown> = {
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (stored) => parseJson(stored.value, subjectOf(stored)),
};
