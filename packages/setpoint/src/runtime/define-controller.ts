import { SetpointError } from '../errors/index.ts';
import type { ObjectRef } from '../client/index.ts';
import type { ControllerOptions, Result, RunHistoryOptions } from '../controller/index.ts';
import { type AnyResourceDefinition, checkOptionNames, kindOf, type ObjectOf } from '../resource/index.ts';
import type { Predicate, Source } from '../source/index.ts';
import type { Fairness, RateLimiter } from '../workqueue/index.ts';
import {
  ANYTHING,
  checkList,
  checkOptional,
  checkShape,
  checkTuning,
  FUNCTION,
  KIND,
  SOURCE,
} from './option-shapes.ts';
import type { GoneContext, ReconcileContext } from './reconcile-context.ts';

type Answer = Promise<Result | void> | Result | void;

/** Another kind whose changes concern objects of ours. */
export interface Watch<Watched> {
  readonly resource: Watched;
  /**
   * The objects to reconcile because of this one, in a list. What it names without a namespace is in that of `object`.
   * Called for the old and the new state of an update; must be pure and quick. What it throws, or gives in place of a
   * list, is logged and counted, and the controller goes on.
   */
  readonly map: (object: ObjectOf<Watched>) => Iterable<ObjectRef>;
}

export interface ControllerDefinitionOptions<
  Definition extends AnyResourceDefinition,
  Owns extends readonly AnyResourceDefinition[],
  Watched extends readonly AnyResourceDefinition[],
> {
  /** In logs, metrics and the finalizer; unique within a manager. Default: the kind's plural. */
  readonly name?: string;
  /** Kinds whose objects this controller makes: a change of one reconciles the object that it is managed by. */
  readonly owns?: Owns;
  /** Kinds that are only looked at. */
  readonly watches?: { readonly [Index in keyof Watched]: Watch<Watched[Index]> };
  /**
   * Further origins of objects to reconcile, such as an `observableSource`: for what happens outside the store. What they
   * name without a namespace is in `default`.
   */
  readonly sources?: readonly Source[];
  /** Which changes of the reconciled kind itself count; all must pass. Default: every change. */
  readonly predicates?: readonly Predicate<ObjectOf<Definition>>[];
  /** How many objects are worked on at once. Default 1. */
  readonly concurrency?: number;
  /** When an attempt's signal aborts. Default 30 s. */
  readonly timeoutMs?: number;
  /** How long after that its worker goes on with other objects, if it ignores the signal. Default 5 s. */
  readonly graceMs?: number;
  /** Whose objects take turns, and with what weights. Default: namespaces, each alike; false: first come, first served. */
  readonly fairness?: Fairness | false;
  /** How many runs `explain` can look back on. Default: five of each of the last thousand objects. */
  readonly history?: RunHistoryOptions;
  /**
   * Makes what one run writes all at once when it returns, or not at all: in one transaction, on condition that
   * everything it saw (its object, what it got from caches or read with its client) is still as it was. If not, nothing
   * is written and the run is made again. Writes that wait are seen by the run's client, and not by its caches; the
   * `resourceVersion`s that they return are good within the run alone. A run can see and write 128 objects each, 126
   * where it is led or sharded; more ends as `TooManyOperations`. Default false: each write is made at once, on condition of its own object alone.
   */
  readonly transactional?: boolean;
  /** The delay after a failure. Default: 5 ms doubling up to 1000 s, at most 10 a second once a burst of 100 is spent. */
  readonly rateLimiter?: RateLimiter;
  /**
   * Makes the world match `object`. Called for every object that is there and not being deleted: see `Reconciler` for
   * how its end decides what happens next.
   */
  reconcile(context: ReconcileContext<Definition, Owns[number]>): Answer;
  /**
   * Cleans up what no owner reference reaches, before the object may go. When given, a finalizer is put on every
   * object before its first reconcile, and taken off when this resolved without asking to be run again; until then
   * the object stays. May run more than once.
   */
  finalize?(context: ReconcileContext<Definition, Owns[number]>): Answer;
  /**
   * Told of a key that has no object: it was deleted, perhaps long ago, perhaps while nobody was running, perhaps
   * never there. Not a place for cleaning up what matters: nobody calls it for what went while we were down.
   */
  gone?(context: GoneContext): Answer;
}

const OPTIONS: readonly string[] = [
  'name',
  'owns',
  'watches',
  'sources',
  'predicates',
  'concurrency',
  'timeoutMs',
  'graceMs',
  'fairness',
  'history',
  'transactional',
  'rateLimiter',
  'reconcile',
  'finalize',
  'gone',
] satisfies (keyof ControllerDefinitionOptions<AnyResourceDefinition, [], []>)[];

/** What goes to the controller as it is. */
type Tuning = Pick<ControllerOptions, 'concurrency' | 'timeoutMs' | 'graceMs' | 'fairness' | 'history' | 'rateLimiter'>;

/** What {@link defineController} makes: plain data, to be given to any number of managers. */
export interface ControllerDefinition {
  readonly definition: AnyResourceDefinition;
  readonly name: string;
  /** `group/name`. */
  readonly finalizer: string;
  readonly owns: readonly AnyResourceDefinition[];
  readonly watches: readonly Watch<AnyResourceDefinition>[];
  readonly sources: readonly Source[];
  readonly predicates: readonly Predicate<ObjectOf<AnyResourceDefinition>>[];
  readonly transactional: boolean;
  readonly tuning: Tuning;
  readonly reconcile: (context: AnyContext) => Answer;
  readonly finalize: ((context: AnyContext) => Answer) | undefined;
  readonly gone: ((context: GoneContext) => Answer) | undefined;
}

/** Whatever a caller without a compiler gives. */
type AnyOptions = ControllerDefinitionOptions<
  // eslint-disable-next-line typescript/no-explicit-any
  any,
  readonly AnyResourceDefinition[],
  readonly AnyResourceDefinition[]
>;

export type AnyContext = ReconcileContext<AnyResourceDefinition, AnyResourceDefinition>;

/**
 * Describes a controller for one kind. Nothing runs yet: `createManager` binds it to a store. All types follow from
 * the definitions, in whatever order the properties stand.
 *
 * ```ts
 * const websites = defineController(Website, {
 *   owns: [Server],
 *   async reconcile({ object, owned }) {
 *     await owned(Server).apply({ name: object.metadata.name, spec: { message: object.spec.message } });
 *   },
 * });
 * ```
 */
export function defineController<
  Definition extends AnyResourceDefinition,
  const Owns extends readonly AnyResourceDefinition[] = readonly [],
  const Watched extends readonly AnyResourceDefinition[] = readonly [],
>(definition: Definition, options: ControllerDefinitionOptions<Definition, Owns, Watched>): ControllerDefinition {
  const name = checkDefinition(definition, options);
  const { concurrency, timeoutMs, graceMs, fairness, history, rateLimiter, transactional = false } = options;
  // From here on the kinds are told apart by their definitions, not by their types.
  const erased = options as unknown as ControllerDefinitionOptions<
    AnyResourceDefinition,
    AnyResourceDefinition[],
    AnyResourceDefinition[]
  >;
  return Object.freeze({
    definition,
    name,
    finalizer: `${definition.group}/${name}`,
    owns: erased.owns ?? [],
    watches: erased.watches ?? [],
    sources: erased.sources ?? [],
    predicates: erased.predicates ?? [],
    transactional,
    tuning: {
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(graceMs === undefined ? {} : { graceMs }),
      ...(fairness === undefined ? {} : { fairness }),
      ...(history === undefined ? {} : { history }),
      ...(rateLimiter === undefined ? {} : { rateLimiter }),
    },
    reconcile: (context: AnyContext) => erased.reconcile(context),
    finalize: erased.finalize && ((context: AnyContext) => erased.finalize!(context)),
    gone: erased.gone && ((context: GoneContext) => erased.gone!(context)),
  });
}

/** Refuses with `Invalid` what could not work, and gives the controller's name. Numbers are checked by the controller. */
function checkDefinition(definition: AnyResourceDefinition, options: AnyOptions): string {
  checkShape('the first argument of defineController', definition, KIND);
  checkOptionNames('defineController', options, OPTIONS);
  const { name = definition.plural, owns, watches, sources, predicates, transactional = false } = options;
  if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name)) {
    throw new SetpointError(
      'Invalid',
      `a controller's name must be lower-case letters, digits, '-' and '.'; ` +
        `got ${typeof name === 'string' ? `'${name}'` : kindOf(name)}`,
    );
  }
  const what = `controller '${name}':`;
  checkShape(`${what} reconcile`, Reflect.get(options, 'reconcile'), FUNCTION);
  for (const each of ['finalize', 'gone']) checkOptional(`${what} ${each}`, Reflect.get(options, each), FUNCTION);
  checkList(`${what} owns`, owns, KIND);
  checkList(`${what} watches`, watches, ANYTHING('{ resource, map }', 'a list of { resource, map }'));
  for (const [index, watch] of (watches ?? []).entries()) {
    checkOptionNames(`${what} watches[${index}]`, watch, ['resource', 'map']);
    checkShape(`${what} watches[${index}].resource`, watch.resource, KIND);
    checkShape(`${what} watches[${index}].map`, watch.map, FUNCTION);
  }
  checkList(`${what} sources`, sources, SOURCE);
  checkList(`${what} predicates`, predicates, FUNCTION);
  checkTuning(what, options);
  if (typeof transactional !== 'boolean') {
    throw new SetpointError('Invalid', `${what} transactional must be true or false; got ${kindOf(transactional)}`);
  }
  return name;
}
