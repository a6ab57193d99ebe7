import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import { type AnyResourceDefinition, DEFAULT_PREFIX, quote, validatePrefix } from '../resource/index.ts';
import type { Store } from '../store/index.ts';
import { type ClientContext, ObjectWriter, type WriteListener } from './object-writer.ts';
import { ResourceClient } from './resource-client.ts';

export interface ClientOptions {
  /** Where the objects are. A fenced store makes every write of this client fenced. */
  readonly store: Store;
  /** Default `/registry`. */
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called after each write that is known to be applied, before its call returns. Must not throw. */
  readonly onWrite?: WriteListener | undefined;
}

/** Objects of any kind in one store, under one prefix. It keeps no copies and has nothing to close. */
export interface Client {
  readonly store: Store;
  readonly prefix: string;
  /**
   * The client of one kind. Cheap, and the same one each time. Throws `Invalid` when another kind has taken the
   * plural already: the objects of the two would lie under the same keys.
   */
  resource<Definition extends AnyResourceDefinition>(definition: Definition): ResourceClient<Definition>;
}

/** Makes a client. Throws `Invalid` for a prefix that isn't `/segment`, once or more. */
export function createClient(options: ClientOptions): Client {
  const { store, prefix = DEFAULT_PREFIX, clock = systemClock, random = systemRandom, onWrite } = options;
  validatePrefix(prefix);
  const context: ClientContext = { store, prefix, clock, random, onWrite };
  const clients = new Map<AnyResourceDefinition, ResourceClient<AnyResourceDefinition>>();
  const kinds = new Map<string, string>();
  return {
    store,
    prefix,
    resource<Definition extends AnyResourceDefinition>(definition: Definition): ResourceClient<Definition> {
      const known = clients.get(definition);
      if (known) return known as unknown as ResourceClient<Definition>;
      claimPlural(kinds, definition);
      const client = new ResourceClient(new ObjectWriter(definition, context));
      clients.set(definition, client);
      return client;
    },
  };
}

function claimPlural(kinds: Map<string, string>, { group, kind, plural, scope }: AnyResourceDefinition): void {
  const wanted = `${group} ${kind} (${scope})`;
  const taken = kinds.get(plural);
  if (taken !== undefined && taken !== wanted) {
    const message = `The plural ${quote(plural)} belongs to ${taken} already, so ${wanted} needs another one.`;
    throw new SetpointError('Invalid', message, { details: { path: 'plural' } });
  }
  kinds.set(plural, wanted);
}
