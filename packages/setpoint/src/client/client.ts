import { SetpointError } from '../errors/index.ts';
import { type Clock, systemClock } from '../internal/clock.ts';
import { type Random, systemRandom } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  checkOptionNames,
  type Codec,
  DEFAULT_PREFIX,
  invalid,
  kindOf,
  type ObjectOf,
  quote,
  resourceCodec,
  type ResourceObject,
  validatePrefix,
  type ValueTransformer,
} from '../resource/index.ts';
import type { CallOptions, Store } from '../store/index.ts';
import { type AdmissionHook, checkHooks } from './admission.ts';
import { applyChildren, type ApplyChildrenOptions } from './apply-children.ts';
import { callOptions } from './call-options.ts';
import { type Child, type ChildrenReport, isManagedBy } from './children.ts';
import { type ClientContext, ObjectWriter, type WriteListener } from './object-writer.ts';
import { ResourceClient } from './resource-client.ts';
import { runTransaction, type Transaction, type TransactionResult } from './transaction.ts';
import { checkManager, type ModifyOptions } from './write-options.ts';

export interface ClientOptions {
  /** Where the objects are. A fenced store makes every write of this client fenced. */
  readonly store: Store;
  /** Default `/registry`. */
  readonly prefix?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called after each write that is known to be applied, before its call returns. Must not throw. */
  readonly onWrite?: WriteListener | undefined;
  /** Who writes, for the ownership of fields. Default `setpoint`. */
  readonly manager?: string | undefined;
  /** Asked about every write before it is sent, in this order: see {@link admit}. */
  readonly admission?: readonly AdmissionHook[] | undefined;
  /** Stands between the objects of a kind and their stored bytes: see `aesGcmTransformer`. Default: nothing does. */
  readonly transformerOf?: ((definition: AnyResourceDefinition) => ValueTransformer | undefined) | undefined;
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
  /**
   * Reads and writes several objects, of any kinds, as one: `body` reads at one revision, and what it wrote is written
   * together if everything that it read is still so; otherwise it runs again, so it must have no other effects. At most
   * 128 objects. Throws `Conflict` when all attempts are used up, and whatever `body` throws, with nothing written.
   */
  transaction<T>(
    body: (transaction: Transaction) => Promise<T>,
    options?: ModifyOptions,
  ): Promise<TransactionResult<T>>;
  /**
   * Brings the children of an object about, of these kinds: those listed are created or updated, in their order, those
   * that it manages and that are not listed are deleted. Made with {@link child}.
   */
  applyChildren(
    owner: ResourceObject,
    children: readonly Child[],
    options: ApplyChildrenOptions & { readonly kinds: readonly AnyResourceDefinition[] },
  ): Promise<ChildrenReport>;
}

/** Makes a client. Throws `Invalid` for a prefix that isn't `/segment`, once or more. */
export function createClient(options: ClientOptions): Client {
  checkOptionNames('createClient', options, OPTIONS);
  const { store, onWrite, ...rest } = options;
  if (typeof store?.txn !== 'function') {
    throw invalid({ what: 'Client' }, 'store', 'a store, such as memoryStore() or etcdStore(…)', kindOf(store));
  }
  return clientMaker(rest)(store, onWrite);
}

const OPTIONS: readonly string[] = [
  'store',
  'prefix',
  'clock',
  'random',
  'onWrite',
  'manager',
  'admission',
  'transformerOf',
] satisfies (keyof ClientOptions)[];

/** Makes clients that differ in nothing but their store and who is told of their writes. */
export type ClientMaker = (store: Store, onWrite?: WriteListener) => Client;

/**
 * For those who make many clients, one for each piece of work: what doesn't depend on the store is made once. Throws as
 * {@link createClient} does.
 */
export function clientMaker(options: Omit<ClientOptions, 'store' | 'onWrite'>): ClientMaker {
  const { prefix = DEFAULT_PREFIX, clock = systemClock, random = systemRandom } = options;
  const { manager = 'setpoint', admission = [], transformerOf = () => undefined } = options;
  validatePrefix(prefix);
  checkManager(manager);
  checkHooks(admission);
  const codecOf = codecs(prefix, transformerOf);
  return (store, onWrite) =>
    clientOf({ store, prefix, clock, random, onWrite, manager, admission, transformerOf, codecOf });
}

function clientOf(context: ClientContext): Client {
  const { store, prefix } = context;
  const clients = new Map<AnyResourceDefinition, ResourceClient<AnyResourceDefinition>>();
  const writers = new Map<AnyResourceDefinition, ObjectWriter<AnyResourceDefinition>>();
  const writerOf = <Definition extends AnyResourceDefinition>(definition: Definition): ObjectWriter<Definition> => {
    const known = writers.get(definition);
    if (known) return known as unknown as ObjectWriter<Definition>;
    if (typeof definition?.plural !== 'string') {
      throw invalid({ what: 'Client' }, 'definition', 'a kind made by defineResource', kindOf(definition));
    }
    claimPlural(writers.keys(), definition);
    const made = new ObjectWriter(definition, context);
    writers.set(definition, made);
    return made;
  };
  const client: Client = {
    store,
    prefix,
    resource<Definition extends AnyResourceDefinition>(definition: Definition): ResourceClient<Definition> {
      const known = clients.get(definition);
      if (known) return known as unknown as ResourceClient<Definition>;
      const made = new ResourceClient(writerOf(definition));
      clients.set(definition, made);
      return made;
    },
    transaction: (body, options = {}) => runTransaction(context, writerOf, body, options),
    applyChildren: (owner, children, { kinds, ...options }) =>
      applyChildren(
        { client, owner, kinds, managed: (kind) => managedBy(client, { owner, kind }, options) },
        children,
        options,
      ),
  };
  return client;
}

/** One codec for each kind, made when it is first asked for. */
function codecs(prefix: string, transformerOf: ClientContext['transformerOf']): ClientContext['codecOf'] {
  const made = new WeakMap<AnyResourceDefinition, Codec<never>>();
  return <Definition extends AnyResourceDefinition>(definition: Definition): Codec<ObjectOf<Definition>> => {
    const known = made.get(definition);
    if (known) return known;
    const codec = resourceCodec(definition, prefix, transformerOf(definition));
    made.set(definition, codec as unknown as Codec<never>);
    return codec;
  };
}

async function managedBy(
  client: Client,
  { owner, kind }: { readonly owner: ResourceObject; readonly kind: AnyResourceDefinition },
  options: CallOptions,
): Promise<readonly ResourceObject[]> {
  const { namespace } = owner.metadata;
  const { items } = await client.resource(kind).list({ namespace, ...callOptions(options) });
  return items.filter((object) => isManagedBy(owner, object));
}

function claimPlural(known: Iterable<AnyResourceDefinition>, definition: AnyResourceDefinition): void {
  const wanted = titleOf(definition);
  for (const other of known) {
    if (other.plural !== definition.plural || titleOf(other) === wanted) continue;
    const message = `The plural ${quote(other.plural)} belongs to ${titleOf(other)} already, so ${wanted} needs another one.`;
    throw new SetpointError('Invalid', message, { details: { path: 'plural' } });
  }
}

const titleOf = ({ group, kind, scope }: AnyResourceDefinition): string => `${group} ${kind} (${scope})`;
