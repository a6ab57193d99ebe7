import { type Clock, createInformer, SetpointError, type Store, systemClock } from 'setpoint';
import { textCodec } from 'setpoint/resource';
import { type ConfigName, configKey, instanceKey } from './config-keys.ts';

/** Makes a value of the text that is stored, and throws when it is none. */
export type Parse<T> = (text: string) => T;

export interface ConfigClientOptions<T> {
  readonly store: Store;
  readonly name: ConfigName;
  /** Which instance this is: a value that was written for it alone comes before everybody's. */
  readonly instance?: string;
  /** Such as `(text) => schema.parse(JSON.parse(text))`. */
  readonly parse: Parse<T>;
  /** Told of a value that can't be read. The last good one stays in force. */
  readonly onBadValue?: (error: unknown) => void;
  readonly clock?: Clock;
}

/**
 * The configuration of an app as it is now, in memory, kept up to date by informers: broken connections, compactions
 * and restarts of the store are theirs to bridge. Reading never waits.
 */
export class ConfigClient<T> {
  readonly #options: ConfigClientOptions<T>;
  readonly #handlers = new Set<(value: T) => void>();
  readonly #informers;
  #value: T | undefined;
  #text: string | undefined;

  constructor(options: ConfigClientOptions<T>) {
    this.#options = options;
    const { store, name, clock = systemClock } = options;
    const follow = (key: string) =>
      createInformer({ store, prefix: key.slice(0, key.lastIndexOf('/')), codec: textCodec, clock });
    this.#informers = [follow(configKey(name)), follow(instanceKey(name, options.instance ?? 'nobody'))] as const;
    const look = (): void => this.#look();
    for (const informer of this.#informers) informer.addEventHandler({ add: look, update: look, delete: look });
  }

  /** Follows the store until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  /** Resolves when it knows what is stored. */
  async whenSynced(signal?: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.whenSynced(signal)));
    this.#look();
  }

  /** The value in force: the instance's own, else everybody's, else the last one that there was. Throws `NotFound`. */
  get value(): T {
    if (this.#value !== undefined) return this.#value;
    throw new SetpointError('NotFound', `${configKey(this.#options.name)} has never had a value that can be read`);
  }

  /** Calls `handler` with each new value, until the returned function is called. */
  onChange(handler: (value: T) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  #look(): void {
    const { name, instance, parse, onBadValue } = this.#options;
    const [shared, own] = this.#informers;
    const text = (instance === undefined ? undefined : own.lister.get(instance)) ?? shared.lister.get(name.app);
    if (text === undefined || text === this.#text) return;
    this.#text = text;
    try {
      this.#value = parse(text);
    } catch (error) {
      return onBadValue?.(error);
    }
    for (const handler of this.#handlers) handler(this.#value);
  }
}
