import { SetpointError, type Store } from 'setpoint';
import { type Compare, keyText } from 'setpoint/store';
import { type ConfigName, configKey, instanceKey, versionKey, versionsPrefix } from './config-keys.ts';

/** One version of a configuration. */
export interface ConfigVersion {
  /** 1, 2, 3, … for ever: also a deletion and a new beginning go on counting. */
  readonly version: number;
  readonly value: string;
  /** Who or what wrote it, such as `rollback to 3`. */
  readonly note: string;
}

export interface ConfigCenterOptions {
  readonly store: Store;
  /** So many versions are kept of each configuration. Default 20. */
  readonly keptVersions?: number;
}

/**
 * Writes configurations, and keeps their versions.
 *
 * A write and its version are one transaction, conditional on what was read: two writers never overwrite each other
 * unseen, and there is no value without its version. The versions are keys of their own and not etcd's history, which
 * a compaction takes away; so going back works for as long as one likes.
 */
export class ConfigCenter {
  readonly #store: Store;
  readonly #kept: number;

  constructor({ store, keptVersions = 20 }: ConfigCenterOptions) {
    this.#store = store;
    this.#kept = keptVersions;
  }

  /** The value and its version; undefined when there is none. */
  async get(name: ConfigName): Promise<ConfigVersion | undefined> {
    const { current, newest } = await this.#read(name);
    return current && newest && { ...newest, value: keyText(current.value) };
  }

  /**
   * Writes a value, and returns its version. With `ifVersion` only over that one (0: only if there is none yet); throws
   * `Conflict` otherwise, and when somebody else writes at the same moment.
   */
  async set(
    name: ConfigName,
    value: string,
    { note = '', ifVersion }: { readonly note?: string; readonly ifVersion?: number } = {},
  ): Promise<ConfigVersion> {
    const { current, newest } = await this.#read(name);
    const present = current ? (newest?.version ?? 0) : 0;
    if (ifVersion !== undefined && ifVersion !== present) {
      throw new SetpointError(
        'Conflict',
        `${configKey(name)} is at version ${present}, not ${ifVersion}: read it again`,
      );
    }
    const written: ConfigVersion = { version: (newest?.version ?? 0) + 1, value, note };
    const expired = versionKey(name, written.version - this.#kept + 1);
    const { succeeded } = await this.#store.txn({
      compares: [
        unchanged(configKey(name), current?.modRevision),
        unchanged(versionKey(name, written.version), undefined),
      ],
      then: [
        { put: { key: configKey(name), value } },
        { put: { key: versionKey(name, written.version), value: JSON.stringify(written) } },
        ...(written.version > this.#kept ? [{ delete: { key: versionsPrefix(name), end: expired } }] : []),
      ],
    });
    if (succeeded) return written;
    throw new SetpointError('Conflict', `${configKey(name)} was written by somebody else meanwhile: read it again`);
  }

  /** Takes the configuration away; its versions stay. Whether there was one. */
  async delete(name: ConfigName): Promise<boolean> {
    return (await this.#store.delete({ key: configKey(name) })).deleted > 0n;
  }

  /** The versions that are kept, newest first. */
  async history(name: ConfigName): Promise<readonly ConfigVersion[]> {
    const sort = { by: 'key', order: 'descend' } as const;
    const { kvs } = await this.#store.range({ prefix: versionsPrefix(name), sort });
    return kvs.map(({ value }) => JSON.parse(keyText(value)) as ConfigVersion);
  }

  /** Makes an earlier version the present one, as a new version. Throws `NotFound` when it isn't kept any more. */
  async rollback(name: ConfigName, version: number): Promise<ConfigVersion> {
    const { kvs } = await this.#store.range({ key: versionKey(name, version) });
    const [found] = kvs;
    if (!found) throw new SetpointError('NotFound', `version ${version} of ${configKey(name)} is not kept`);
    const { value } = JSON.parse(keyText(found.value)) as ConfigVersion;
    return this.set(name, value, { note: `rollback to ${version}` });
  }

  /**
   * Writes a value for one instance, which goes by itself after `ttlSeconds`: to try something out on one machine, say.
   * Resolves with the TTL that the store granted.
   */
  async setForInstance(name: ConfigName, instance: string, value: string, ttlSeconds: number): Promise<number> {
    const granted = await this.#store.leaseGrant({ ttlSeconds });
    await this.#store.put({ key: instanceKey(name, instance), value, lease: granted.id });
    return granted.ttlSeconds;
  }

  /** The key and its newest version, both of one revision. */
  async #read(name: ConfigName) {
    const { responses } = await this.#store.txn({
      then: [
        { range: { key: configKey(name) } },
        { range: { prefix: versionsPrefix(name), limit: 1, sort: { by: 'key', order: 'descend' } } },
      ],
    });
    const [current, newest] = responses.map((each) => ('range' in each ? each.range.kvs[0] : undefined));
    return { current, newest: newest && (JSON.parse(keyText(newest.value)) as ConfigVersion) };
  }
}

/** Holds while the key is at this revision; undefined: while it isn't there. */
function unchanged(key: string, modRevision: bigint | undefined): Compare {
  return { key, target: 'mod', operator: '=', operand: modRevision ?? 0n };
}
