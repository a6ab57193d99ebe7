import type { AnyResourceDefinition, ObjectOf } from './definition.ts';
import { invalid, quote, type Subject } from './describe.ts';
import { keyPrefix, keyText, objectKey, parseKeyUnder } from './key.ts';
import { checkShape } from './object-shape.ts';
import { decodeText, parseJson } from './parse-json.ts';
import { readSpec } from './schema-validation.ts';
import { convertParts } from './versions.ts';
import type { ValueTransformer } from './value-transformer.ts';

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
  /**
   * Says that what `decode` returns is plain JSON that nobody else has. A cache may then let it have the unchanged parts
   * of the state before in common with that. Default: no.
   */
  readonly decodesFreshJson?: boolean;
  /** Whether encoding the same value again would store other bytes that are better ones: see `ValueTransformer`. */
  isStale?(stored: StoredValue): boolean;
}

/**
 * The codec of a kind's objects: JSON. `metadata.resourceVersion` is not stored: decoding fills it in from the
 * revision. Decoding trusts nothing (see {@link parseJson}, {@link checkShape}): the object must be of this kind and at
 * this key, and its spec must satisfy the schema, whose defaults are filled in. Fields that nobody knows are kept, so
 * that writing the object back loses nothing. A decoded object shares nothing with other objects. A `transformer`
 * stands between the JSON and the store.
 */
export function resourceCodec<Definition extends AnyResourceDefinition>(
  definition: Definition,
  prefix?: string,
  transformer?: ValueTransformer,
): Codec<ObjectOf<Definition>> {
  const start = keyPrefix(definition, prefix);
  const { versions } = definition;
  return {
    decodesFreshJson: true,
    encode(object) {
      const metadata = { ...object.metadata, resourceVersion: undefined };
      const stored = versions ? inVersion(definition, versions.storage, object, subjectOfObject(object)) : object;
      const bytes = Buffer.from(JSON.stringify({ ...stored, metadata }));
      return transformer ? transformer.seal(bytes, start + objectKey(object.metadata)) : bytes;
    },
    decode({ key, value, modRevision }) {
      const text = keyText(key);
      const ref = parseKeyUnder(definition, text, start);
      const subject: Subject = {
        what: `${definition.kind} stored at ${text}`,
        next: 'Put a good value in its place or delete the key.',
        details: { key: text, revision: modRevision },
      };
      const object = parseJson(transformer ? transformer.open(value, text, subject) : value, subject);
      const from = versionOf(object, definition);
      checkShape(object, from, ref, subject);
      // The same texts, but one copy of each for all objects.
      object.apiVersion = from.apiVersion;
      object.kind = from.kind;
      object.metadata.resourceVersion = String(modRevision);
      object.spec = readSpec(from, object.spec, subject);
      return inVersion(from, definition, object as unknown as ObjectOf<Definition>, subject);
    },
    isStale({ key, value }) {
      if (transformer?.isStale(value)) return true;
      if (!versions) return false;
      const subject = { what: definition.kind };
      const plain = parseJson(transformer ? transformer.open(value, keyText(key), subject) : value, subject);
      return (plain as { apiVersion?: unknown } | null)?.apiVersion !== versions.storage.apiVersion;
    },
  };
}

/** The definition of the version that a stored value says it is of, where the kind has several. */
function versionOf(stored: unknown, definition: AnyResourceDefinition): AnyResourceDefinition {
  const apiVersion = (stored as { apiVersion?: unknown } | null)?.apiVersion;
  return definition.versions?.all.find((each) => each.apiVersion === apiVersion) ?? definition;
}

/** An object of one version as another has it. */
function inVersion<Definition extends AnyResourceDefinition>(
  from: AnyResourceDefinition,
  to: AnyResourceDefinition,
  object: ObjectOf<Definition>,
  subject: Subject,
): ObjectOf<Definition> {
  const { versions } = to.versions ? to : from;
  if (!versions || from.apiVersion === to.apiVersion) return object;
  const { beyond, ...rest } = object as ObjectOf<Definition> & Parameters<typeof convertParts>[2];
  const parts = convertParts(versions, { from, to }, { ...rest, ...(beyond && { beyond }) }, subject);
  return { ...rest, apiVersion: to.apiVersion, ...parts } as unknown as ObjectOf<Definition>;
}

const subjectOfObject = ({ kind, metadata }: ObjectOf<AnyResourceDefinition>): Subject => ({
  what: `${kind} ${quote(objectKey(metadata))}`,
});

/** What an error says it is about: put into words only once there is one, since most values are good. */
class StoredSubject implements Subject {
  readonly #stored: StoredValue;

  constructor(stored: StoredValue) {
    this.#stored = stored;
  }

  get what(): string {
    return `Value stored at ${quote(keyText(this.#stored.key))}`;
  }

  get details(): NonNullable<Subject['details']> {
    return { key: keyText(this.#stored.key), revision: this.#stored.modRevision };
  }
}

/** Plain text, in UTF-8. Decoding other bytes throws `Invalid`. */
export const textCodec: Codec<string> = {
  encode: (value) => Buffer.from(value),
  decode(stored) {
    const text = decodeText(stored.value);
    if (text === undefined)
      throw invalid(new StoredSubject(stored), 'value', 'text in UTF-8', 'bytes that are not UTF-8');
    return text;
  },
};

/** Any JSON. Decoding has the safety rules of {@link parseJson}. */
export const jsonCodec: Codec<unknown> = {
  decodesFreshJson: true,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (stored) => parseJson(stored.value, new StoredSubject(stored)),
};
