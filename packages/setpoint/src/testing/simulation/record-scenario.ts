import { type Clock, systemClock } from '../../internal/clock.ts';
import { DEFAULT_PREFIX, isDeleting } from '../../resource/index.ts';
import type { KeyValue, Revision, Store, WatchEvent } from '../../store/index.ts';
import { followPrefix, type PrefixFollower } from './follow-prefix.ts';
import { objectIn } from './state.ts';
import type { SimulatedUser } from './user.ts';

/** One write of a recording: a key under the prefix and its new value, null for a delete. Plain JSON. */
export interface RecordedStep {
  /** Milliseconds since the step before. */
  readonly afterMs: number;
  readonly key: string;
  readonly value: string | null;
}

/** A time in which the store could not be followed. What changed meanwhile is recorded as one difference, after it. */
export interface RecordingGap {
  /** How many steps were recorded before. */
  readonly afterSteps: number;
  /** Why, in a sentence. */
  readonly reason: string;
}

/** What {@link recordScenario} makes. */
export interface Recording {
  /** Everything that is recorded so far. Plain JSON: keep it in a file. */
  readonly steps: readonly RecordedStep[];
  /** Empty when everything was seen as it happened. Plain JSON as well. */
  readonly gaps: readonly RecordingGap[];
  stop(): void;
}

export interface RecordOptions {
  readonly store: Store;
  /** Which kinds a person or another system writes: their plurals. What the controllers write is left to them. */
  readonly plurals: readonly string[];
  /** Where to begin. Default: what happens from now on. One that was compacted is a gap, and it begins now. */
  readonly startRevision?: Revision;
  /** Default `/registry`. */
  readonly prefix?: string;
  /** Tells milliseconds, for {@link RecordedStep.afterMs}: `Date.now` will do. */
  readonly now: () => number;
  /** Spaces the attempts to follow a store that is away. Default: the machine's clock. */
  readonly clock?: Clock;
}

/**
 * Records what others than the controllers did to a store in production, as it happens or from its history, so that a
 * simulation can do it again under faults with {@link playRecording}. Spec and metadata are recorded; what only changed
 * the status is not, because that is the controllers' own. Values that are no objects are left out.
 */
export function recordScenario(options: RecordOptions): Recording {
  const { store, prefix = DEFAULT_PREFIX, startRevision, clock = systemClock } = options;
  const recorder = new Recorder(options, prefix);
  const ended = new AbortController();
  const { signal } = ended;
  void followPrefix({ store, prefix: `${prefix}/`, clock, signal, startRevision }, recorder);
  return { steps: recorder.steps, gaps: recorder.gaps, stop: () => ended.abort() };
}

class Recorder implements PrefixFollower {
  readonly steps: RecordedStep[] = [];
  readonly gaps: RecordingGap[] = [];
  readonly #prefixes: readonly string[];
  /** Where the keys of steps begin. */
  readonly #from: number;
  readonly #now: () => number;
  /** What is wanted of each object, as the steps so far leave it. */
  #wanted: Map<string, string> | undefined;
  #last: number;

  constructor({ plurals, now }: RecordOptions, prefix: string) {
    this.#prefixes = plurals.map((plural) => `${prefix}/${plural}/`);
    this.#from = prefix.length + 1;
    this.#now = now;
    this.#last = now();
  }

  /** What there is at first is no step. Later on a list shows what a gap has hidden. */
  listed(_revision: Revision, kvs: readonly KeyValue[]): void {
    const there = new Map(kvs.map((kv) => [Buffer.from(kv.key).toString(), kv.value]));
    const first = !this.#wanted;
    const wanted = (this.#wanted ??= new Map<string, string>());
    for (const [key, value] of there) {
      if (first) this.#learn(wanted, key, value);
      else this.#note(wanted, key, value);
    }
    for (const key of wanted.keys()) if (!there.has(key)) this.#note(wanted, key, null);
  }

  changed(_revision: Revision, events: readonly WatchEvent[]): void {
    for (const { type, kv } of events) {
      this.#note(this.#wanted!, Buffer.from(kv.key).toString(), type === 'delete' ? null : kv.value);
    }
  }

  lost(error: unknown): void {
    this.gaps.push({ afterSteps: this.steps.length, reason: error instanceof Error ? error.message : String(error) });
  }

  #note(wanted: Map<string, string>, key: string, stored: Uint8Array | null): void {
    const changed = stored === null ? wanted.delete(key) : this.#learn(wanted, key, stored);
    if (!changed) return;
    const at = this.#now();
    const value = wanted.get(key) ?? null;
    this.steps.push({ afterMs: Math.round(at - this.#last), key: key.slice(this.#from), value });
    this.#last = at;
  }

  /** Says whether what is wanted is something else now. */
  #learn(wanted: Map<string, string>, key: string, stored: Uint8Array): boolean {
    if (!this.#prefixes.some((each) => key.startsWith(each))) return false;
    const value = wantedIn(stored);
    if (value === undefined || wanted.get(key) === value) return false;
    wanted.set(key, value);
    return true;
  }
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

/** The object without its status, and without what the library decides about it; undefined for what is none. */
function wantedIn(value: Uint8Array): string | undefined {
  const object = objectIn(value);
  if (!object) return undefined;
  const { metadata, spec } = object;
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
