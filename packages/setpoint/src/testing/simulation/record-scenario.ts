import { DEFAULT_PREFIX, isDeleting, type ResourceObject } from '../../resource/index.ts';
import type { Revision, Store } from '../../store/index.ts';
import { followStore } from './follow-store.ts';
import type { SimulatedUser } from './user.ts';

/** One write of a recording: a key under the prefix and its new value, null for a delete. Plain JSON. */
export interface RecordedStep {
  /** Milliseconds since the step before. */
  readonly afterMs: number;
  readonly key: string;
  readonly value: string | null;
}

/** What {@link recordScenario} makes. */
export interface Recording {
  /** Everything that is recorded so far. Plain JSON: keep it in a file. */
  readonly steps: readonly RecordedStep[];
  stop(): void;
}

export interface RecordOptions {
  readonly store: Store;
  /** Which kinds a person or another system writes: their plurals. What the controllers write is left to them. */
  readonly plurals: readonly string[];
  /** Where to begin. Default: what happens from now on. */
  readonly startRevision?: Revision;
  /** Default `/registry`. */
  readonly prefix?: string;
  readonly now: () => number;
}

/**
 * Records what others than the controllers did to a store in production, as it happens or from its history, so that a
 * simulation can do it again under faults with {@link playRecording}. Spec and metadata are recorded; what only changed
 * the status is not, because that is the controllers' own.
 */
export function recordScenario(options: RecordOptions): Recording {
  const { store, plurals, prefix = DEFAULT_PREFIX, startRevision, now } = options;
  const prefixes = plurals.map((plural) => `${prefix}/${plural}/`);
  const steps: RecordedStep[] = [];
  const wanted = new Map<string, string>();
  let last = now();
  const stop = followStore(
    store,
    (_revision, events) => {
      for (const { type, kv } of events) {
        const key = Buffer.from(kv.key).toString();
        if (!prefixes.some((each) => key.startsWith(each))) continue;
        const value = type === 'delete' ? null : wantedIn(kv.value);
        if (value !== null && wanted.get(key) === value) continue;
        if (value === null) wanted.delete(key);
        else wanted.set(key, value);
        const at = now();
        steps.push({ afterMs: Math.round(at - last), key: key.slice(prefix.length + 1), value });
        last = at;
      }
    },
    () => {},
    { prefix: `${prefix}/`, ...(startRevision === undefined ? {} : { startRevision }) },
  );
  return { steps, stop };
}

/** What somebody wants of an object. */
interface WantedObject {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly deleting: boolean;
  readonly spec: unknown;
}

/** The object without its status, and without what the library decides about it. */
function wantedIn(value: Uint8Array): string {
  const { metadata, spec } = JSON.parse(Buffer.from(value).toString()) as Pick<ResourceObject, 'metadata' | 'spec'>;
  const { name, namespace, labels, annotations } = metadata;
  const wanted: WantedObject = { name, namespace, labels, annotations, deleting: isDeleting(metadata), spec };
  return JSON.stringify(wanted);
}

/** Does what was recorded, as the scenario of a simulation; each step waits until the world is at rest. */
export async function playRecording(
  steps: readonly RecordedStep[],
  user: SimulatedUser,
  kinds: readonly Parameters<SimulatedUser['delete']>[0][],
): Promise<void> {
  for (const { key, value } of steps) {
    const [plural, ...place] = key.split('/');
    const kind = kinds.find((each) => each.plural === plural);
    if (!kind) continue;
    const ref = place.join('/');
    const found = await user.get(kind, ref);
    if (value === null) {
      if (found) await user.delete(kind, ref);
      continue;
    }
    const { name, namespace, labels, annotations, deleting, spec } = JSON.parse(value) as WantedObject;
    if (deleting) {
      await user.delete(kind, ref);
    } else {
      const optional = {
        ...(namespace && { namespace }),
        ...(labels && { labels }),
        ...(annotations && { annotations }),
      };
      await user.apply(kind, { name, spec: spec as never, ...optional });
    }
  }
}
