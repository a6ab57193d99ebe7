import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type Random, systemRandom } from '../internal/random.ts';
import { invalid, invalidBecause, kindOf, quote, type Subject } from './describe.ts';

/** What happens to an object's bytes on their way to the store and back. */
export interface ValueTransformer {
  /** What to store for `bytes` at `key`. */
  seal(bytes: Uint8Array, key: string): Uint8Array;
  /** The way back. Throws `Invalid`, about `subject`, for what it can't have made for this very key. */
  open(stored: Uint8Array, key: string, subject: Subject): Uint8Array;
  /** Whether `seal` would make it otherwise by now, such as under a newer secret: then the next write rewrites it. */
  isStale(stored: Uint8Array): boolean;
}

/** One secret of {@link aesGcmTransformer}. */
export interface EncryptionKey {
  /** Stored with each value. Lower-case letters, digits and `-`. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

export interface AesGcmOptions {
  /** The first seals; all of them open. Rotate by putting a new one first, and drop an old one when none uses it. */
  readonly keys: readonly EncryptionKey[];
  /** Reads values that are not encrypted, as stale ones, while a store is being changed over. Default false. */
  readonly readPlain?: boolean;
  /** Makes the nonces. Default: the operating system's randomness; with any other the encryption is worth nothing. */
  readonly random?: Random;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MARK = 'setpoint:aes-256-gcm:1:';
const ID = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * AES-256-GCM with the store key as authenticated data: a value that was moved to another key, or changed, is refused.
 * A stored value is `setpoint:aes-256-gcm:1:<key id>:`, nonce, ciphertext and tag. Nonces are random, so one secret is
 * good for 2³² writes. Keys, and so names and namespaces, are not encrypted. Throws `Invalid` for bad options.
 */
export function aesGcmTransformer(options: AesGcmOptions): ValueTransformer {
  const { readPlain = false, random = systemRandom } = options;
  const secrets = checkedKeys(options.keys);
  const [current] = secrets.keys() as unknown as [string];
  const head = Buffer.from(`${MARK}${current}:`);
  return {
    seal(bytes, key) {
      const nonce = nonceFrom(random);
      const cipher = createCipheriv('aes-256-gcm', secrets.get(current)!, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(key));
      return Buffer.concat([head, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    open(stored, key, subject) {
      const id = keyIdOf(stored);
      if (id === undefined) {
        if (readPlain) return stored;
        throw invalid(subject, 'value', 'an encrypted value', 'one that is not', 'While changing over, say readPlain.');
      }
      const secret = secrets.get(id);
      if (!secret) {
        const next = 'Add that key to the transformer, behind the first.';
        throw invalidBecause(subject, 'value', `it is encrypted under key ${quote(id)}, which isn't known here`, next);
      }
      return opened(stored.subarray(MARK.length + id.length + 1), secret, key, subject);
    },
    isStale: (stored) => keyIdOf(stored) !== current,
  };
}

function opened(sealed: Uint8Array, secret: Uint8Array, key: string, subject: Subject): Uint8Array {
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(key));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    // No cause: what openssl says helps nobody, and what it saw must not be told.
    throw invalidBecause(subject, 'value', "it can't be decrypted: it was changed, cut, or belongs to another key");
  }
}

function keyIdOf(stored: Uint8Array): string | undefined {
  const start = Buffer.from(stored.buffer, stored.byteOffset, Math.min(stored.byteLength, 128)).toString('latin1');
  if (!start.startsWith(MARK)) return undefined;
  const end = start.indexOf(':', MARK.length);
  return end === -1 ? '' : start.slice(MARK.length, end);
}

/** A random uuid has 122 random bits; those of its bytes 0–5 and 9–14 are all random. */
function nonceFrom(random: Random): Buffer {
  const bytes = Buffer.from(random.uuid().replaceAll('-', ''), 'hex');
  return Buffer.concat([bytes.subarray(0, 6), bytes.subarray(9, 15)]);
}

function checkedKeys(keys: readonly EncryptionKey[]): ReadonlyMap<string, Uint8Array> {
  const subject = { what: 'aesGcmTransformer' };
  if (!Array.isArray(keys) || keys.length === 0) throw invalid(subject, 'keys', 'at least one key', kindOf(keys));
  const secrets = new Map<string, Uint8Array>();
  for (const [index, { id, secret }] of (keys as readonly EncryptionKey[]).entries()) {
    if (typeof id !== 'string' || !ID.test(id))
      throw invalid(subject, `keys[${index}].id`, 'a-z, 0-9 and "-"', kindOf(id));
    if (secrets.has(id)) throw invalid(subject, `keys[${index}].id`, 'each id once', 'one twice');
    if (!(secret instanceof Uint8Array) || secret.byteLength !== 32) {
      const came = secret instanceof Uint8Array ? `${secret.byteLength} bytes` : kindOf(secret);
      throw invalid(subject, `keys[${index}].secret`, '32 bytes', came);
    }
    secrets.set(id, Uint8Array.from(secret));
  }
  return secrets;
}
