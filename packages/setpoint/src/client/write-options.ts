import { type AnyResourceDefinition, invalid, kindOf, type ObjectOf } from '../resource/index.ts';
import type { CallOptions } from '../store/index.ts';
import { checkOptionValues } from './option-names.ts';

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /** Checks everything, preconditions and admission included, and returns what would be stored; stores nothing. */
  readonly dryRun?: boolean | undefined;
  /** Who writes, for the ownership of fields. Default: the client's `manager`. */
  readonly manager?: string | undefined;
  /**
   * Attaches the object to a lease, also where nothing else changes: it goes when that ends. 0n detaches it. Default: the
   * one it has, none at first.
   */
  readonly lease?: bigint | undefined;
}

export interface ModifyOptions extends WriteOptions {
  /** How often to try when others keep writing first. Default 30, over about fifteen seconds. */
  readonly attempts?: number;
}

/** Conditions that an object has to meet. */
export interface Preconditions {
  /** Means this incarnation only. Default: the one of the object that was passed, if it was an object. */
  readonly uid?: string | undefined;
  /** Means this version only: `Conflict` when it has changed. Default: whatever is there. */
  readonly resourceVersion?: string | undefined;
}

/** What becomes of the objects that a deleted one owns. The garbage collector does it. */
export type Propagation =
  /** They go once it is gone. */
  | 'Background'
  /** It goes once they are gone: until then it stays, with a `deletionTimestamp`. */
  | 'Foreground'
  /** They stay, without it as their owner. */
  | 'Orphan';

export interface DeleteOptions<Definition = AnyResourceDefinition> extends ModifyOptions, Preconditions {
  /** Default `Background`. The first delete of an object decides. */
  readonly propagation?: Propagation | undefined;
  /** Asked about what is stored: false leaves the object alone. */
  readonly only?: ((current: ObjectOf<Definition>) => boolean) | undefined;
}

export interface PatchOptions extends ModifyOptions, Preconditions {
  /** What the patch is of. Default: spec and metadata. */
  readonly subresource?: 'status' | undefined;
}

export interface ApplyOptions<Definition> extends ModifyOptions {
  /**
   * The object as a cache has it. Saves the read: when nothing differs from it, it is returned, as fresh as the cache
   * is; when something does, the write is based on it, and on what is stored if that has moved on.
   */
  readonly from?: ObjectOf<Definition> | undefined;
}

export interface ApplyFieldsOptions extends ModifyOptions {
  /** Who is responsible for these fields: the name that the same applier has every time. */
  readonly manager: string;
  /** Takes over fields that others own with other values, instead of failing with `Conflict`. */
  readonly force?: boolean;
}

/** Checks the part of some options that a write takes. Throws `Invalid`. */
export function writeOptions(options: WriteOptions): WriteOptions {
  const { signal, timeoutMs, dryRun, manager, lease } = options;
  checkOptionValues(options);
  if (manager !== undefined) checkManager(manager);
  return {
    ...(signal ? { signal } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(dryRun === true ? { dryRun } : {}),
    ...(manager === undefined ? {} : { manager }),
    ...(lease === undefined ? {} : { lease }),
  };
}

/** Far more than client-go's 5, which a dozen busy writers of one object use up. */
const ATTEMPTS = 30;

/** The same with how often to try. */
export function retryOf(options: ModifyOptions): { readonly call: WriteOptions; readonly attempts: number } {
  return { call: writeOptions(options), attempts: options.attempts ?? ATTEMPTS };
}

const MANAGER_MAX = 128;

/** A manager is any text that says who it is. */
export function checkManager(manager: unknown): asserts manager is string {
  if (typeof manager === 'string' && /^[\x21-\x7e]+$/.test(manager) && manager.length <= MANAGER_MAX) return;
  const came = typeof manager === 'string' ? 'another text' : kindOf(manager);
  throw invalid({ what: 'Write' }, 'manager', `1 to ${MANAGER_MAX} printable ASCII characters without spaces`, came);
}
