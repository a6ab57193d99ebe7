import { SetpointError } from '../errors/index.ts';
import type { AddInfo, ChangeInfo, Informer } from '../informer/index.ts';
import type { ObjectMeta } from '../resource/index.ts';
import type { Change, Predicate } from './predicate.ts';
import type { Source, SourceSink } from './source.ts';
import type { ToKeys } from './to-keys.ts';
import type { AddNotes, CauseInput } from '../workqueue/index.ts';

/** What a source needs of an informer. */
export type ObservedInformer<T> = Pick<Informer<T>, 'name' | 'addEventHandler' | 'on'>;

/**
 * The priority of what is not news: objects of the initial list, and updates that changed nothing. controller-runtime's
 * `LowPriority`. After a restart, what changes now is looked at before all that was there already.
 */
export const LOW_PRIORITY = -100;

export interface InformerSourceOptions<T> {
  /** Default: the informer's name. */
  readonly name?: string;
  /** Only changes that pass lead to keys. Default: all do. */
  readonly predicate?: Predicate<T>;
}

/**
 * A source over a shared cache: each change that passes the predicate is turned into keys. On an update the keys of
 * the old and the new state are enqueued, each once. Somebody else runs the informer.
 *
 * When a backup of the store was restored, every object is looked at as if it had been there from the start, whatever the
 * predicate makes of what became of it: a status that is lost is no change of the spec, and has to be made again.
 *
 * User code that throws fails open: the change counts as passed, and the keys that were given before, and those of the
 * other state, are still enqueued.
 */
export function informerSource<T>(
  informer: ObservedInformer<T>,
  toKeys: ToKeys<T>,
  options: InformerSourceOptions<T> = {},
): Source {
  const name = options.name ?? informer.name;
  return {
    name,
    async start(sink, signal) {
      const feed = feeder(name, toKeys, options.predicate, sink);
      const registration = informer.addEventHandler(
        {
          add: (object, info) => feed(info, { type: 'add', object, inInitialList: info.inInitialList }),
          update: (old, object, info) => feed(info, { type: 'update', old, object }),
          delete: (object, info) => feed(info, { type: 'delete', object }),
        },
        { name },
      );
      const startOver = (): void => {
        const add = (object: T, info: AddInfo): void => feed(info, { type: 'add', object, inInitialList: true });
        const again = informer.addEventHandler({ add }, { name });
        const over = (): void => again.remove();
        again.whenSynced(signal).then(over, over);
      };
      // The new list tells of every object as changed; only a predicate may hold some of that back.
      const unlisten =
        options.predicate && informer.on('relist', ({ reason }) => reason === 'history-reset' && startOver());
      const end = (): void => {
        unlisten?.();
        registration.remove();
      };
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      await registration.whenSynced(signal);
    },
  };
}

/** Turns changes into enqueued keys; never throws. */
function feeder<T>(name: string, toKeys: ToKeys<T>, predicate: Predicate<T> | undefined, sink: SourceSink) {
  const passes = (key: string, change: Change<T>): boolean => {
    try {
      return predicate?.(change) ?? true;
    } catch (error) {
      sink.report(error, { source: name, stage: 'predicate', key });
      return true;
    }
  };
  const keysOf = (key: string, object: T | undefined): readonly string[] => {
    const given: string[] = [];
    try {
      if (object === undefined)
        throw new SetpointError('Internal', `${name} told of a change of ${key} without its object`);
      const keys = toKeys(object, key);
      if (Array.isArray(keys)) return keys;
      for (const each of keys) given.push(each);
    } catch (error) {
      sink.report(error, { source: name, stage: 'keys', key });
    }
    return given;
  };
  return (info: ChangeInfo | AddInfo, change: Change<T>): void => {
    const { key } = info;
    if (!passes(key, change)) return;
    const before = change.type === 'update' ? keysOf(key, change.old) : NO_KEYS;
    const keys = keysOf(key, change.object);
    const notes = notesOf(name, info, change);
    if (isSingle(before, keys)) return sink.enqueue(keys[0]!, notes);
    for (const each of new Set([...before, ...keys])) sink.enqueue(each, notes);
  };
}

const NO_KEYS: readonly string[] = [];

/** The usual case: both states lead to one key, the same. */
function isSingle(before: readonly string[], keys: readonly string[]): boolean {
  return keys.length === 1 && (before.length === 0 || (before.length === 1 && before[0] === keys[0]));
}

/** How urgent a change is, and what it was. */
function notesOf(source: string, { key, revision }: ChangeInfo, change: Change<unknown>): AddNotes {
  const cause: CauseInput = { type: 'event', source, object: key, change: change.type, revision };
  if (change.type === 'delete') return { cause };
  if (change.type === 'add') {
    if (!change.inInitialList) return { cause };
    return { cause: { ...cause, change: 'initial' }, priority: LOW_PRIORITY };
  }
  const { old, object } = change;
  if (isSameVersion(old, object)) return { cause: { ...cause, type: 'resync' }, priority: LOW_PRIORITY };
  return { cause: { ...cause, states: { before: old, after: object } } };
}

function isSameVersion(old: unknown, object: unknown): boolean {
  const version = (value: unknown): unknown =>
    (value as { readonly metadata?: Partial<ObjectMeta> } | null | undefined)?.metadata?.resourceVersion;
  return old === object || (version(old) !== undefined && version(old) === version(object));
}
