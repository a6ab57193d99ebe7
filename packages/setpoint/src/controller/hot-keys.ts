import type { Clock } from '../internal/clock.ts';
import type { Cause } from '../workqueue/index.ts';
import type { Write } from './write.ts';

/** Runs are counted for so long, then anew. */
const WINDOW_MS = 60_000;

/** More runs of one key in a minute than this are worth a warning: ten a second, for a minute. */
const RUNS_MAX = 600;

/**
 * So many runs, since the last that was of any use, make a loop: nothing but updates by earlier runs led to them, and
 * they wrote nothing but objects that had been written before. A run that comes to another object makes progress.
 */
const SELF_RUNS_MAX = 20;

/** How long a key in such a loop waits, the first time and at most. */
const DAMP_BASE_MS = 1000;
const DAMP_MAX_MS = 60_000;

/** So many keys are watched in one window; a loop beyond is found in a later one. */
const KEYS_MAX = 10_000;

/** So many own writes are remembered for a key: those of its last runs. */
const OWN_WRITES_MAX = 64;

/** So many different objects that a key's runs wrote are remembered; who writes more makes progress. */
const OBJECTS_MAX = 64;

/** So many different fields are counted of a key in a loop. */
const PATHS_KNOWN_MAX = 32;

/** A key that runs too often, told at most once a minute for each key. */
export interface HotKey {
  readonly key: string;
  /** `self-trigger`: each run's own writes lead to the next. `hot`: it runs very often, for whatever reason. */
  readonly kind: 'self-trigger' | 'hot';
  /** How often it ran in this minute. */
  readonly runs: number;
  /** For a self-trigger: the fields that changed from run to run, most frequent first. */
  readonly paths: readonly string[];
}

interface Watched {
  runs: number;
  /** Runs in this window since the last that made progress. */
  selfRuns: number;
  told: boolean;
  /** What the key's last runs wrote, oldest first. They outlive the window while the key is in a loop. */
  readonly ownWrites: Write[];
  /** The objects among those, and earlier ones of this window. Absent: none. */
  objects: Set<string> | undefined;
  /** How often each field was among what woke the key. Absent: nothing did. */
  paths: Map<string, number> | undefined;
  /** In a loop: for how long its next self-triggered run is put off. 0: it isn't. */
  dampMs: number;
  /** When the put-off run may start; undefined when none is put off. */
  notBefore: number | undefined;
}

/**
 * Finds keys that run in circles. A reconcile that writes the object it watches, each time with another value, wakes
 * itself up for ever; it is named, with the field that flips, and slowed down until it stops.
 *
 * What anybody else changed is not put off: a cause counts as the key's own only when its newest revision is, and
 * since writes are conditional, who wrote that revision had seen the object's earlier ones.
 */
export class HotKeys {
  readonly #clock: Clock;
  readonly #onHot: (hot: HotKey) => void;
  readonly #watched = new Map<string, Watched>();
  #windowStart: number;
  #damped = 0;

  constructor(clock: Clock, onHot: (hot: HotKey) => void) {
    this.#clock = clock;
    this.#onHot = onHot;
    this.#windowStart = clock.now();
  }

  /** How many keys are slowed down now. */
  get damped(): number {
    return this.#damped;
  }

  /** How many keys are watched in this window. */
  get size(): number {
    return this.#watched.size;
  }

  /** How long `key`, which is about to run for `causes`, should be put off. */
  delayMs(key: string, causes: () => readonly Cause[]): number {
    if (this.#damped === 0) return 0;
    const watched = this.#watched.get(key);
    if (!watched || watched.dampMs === 0 || !isOwn(watched, causes())) return 0;
    const now = this.#clock.now();
    watched.notBefore ??= now + watched.dampMs;
    return Math.max(0, watched.notBefore - now);
  }

  /** How much longer `key` is put off; 0 when it isn't. */
  dampedMs(key: string): number {
    const notBefore = this.#watched.get(key)?.notBefore;
    return notBefore === undefined ? 0 : Math.max(0, notBefore - this.#clock.now());
  }

  /** A run has ended: what led to it, and what it wrote. */
  ended(key: string, causes: readonly Cause[], writes: readonly Write[]): void {
    const watched = this.#watch(key);
    if (!watched) return;
    watched.runs++;
    watched.notBefore = undefined;
    const woken = writes.length > 0 && isOwn(watched, causes);
    const progress = this.#noteWrites(watched, writes);
    if (!woken) this.#damp(watched, 0);
    else if (progress) {
      watched.selfRuns = 0;
      this.#damp(watched, 0);
    } else this.#selfTriggered(key, watched, causes);
    if (watched.runs > RUNS_MAX && !watched.told) this.#tell(key, watched, 'hot');
  }

  /** Whether an object was written that this key's runs had not written before, as far as is remembered. */
  #noteWrites(watched: Watched, writes: readonly Write[]): boolean {
    if (writes.length === 0) return false;
    const { ownWrites } = watched;
    const objects = (watched.objects ??= new Set());
    let progress = false;
    for (const write of writes) {
      const object = `${write.kind} ${write.key}`;
      if (objects.has(object)) continue;
      progress = true;
      if (objects.size < OBJECTS_MAX) objects.add(object);
    }
    ownWrites.push(...writes);
    if (ownWrites.length > OWN_WRITES_MAX) ownWrites.splice(0, ownWrites.length - OWN_WRITES_MAX);
    return progress;
  }

  #selfTriggered(key: string, watched: Watched, causes: readonly Cause[]): void {
    watched.selfRuns++;
    const paths = (watched.paths ??= new Map());
    for (const path of causes.flatMap((cause) => cause.paths ?? [])) {
      if (paths.size < PATHS_KNOWN_MAX || paths.has(path)) paths.set(path, (paths.get(path) ?? 0) + 1);
    }
    if (watched.dampMs > 0) this.#damp(watched, Math.min(2 * watched.dampMs, DAMP_MAX_MS));
    else if (watched.selfRuns > SELF_RUNS_MAX) this.#damp(watched, DAMP_BASE_MS);
    if (watched.selfRuns > SELF_RUNS_MAX && !watched.told) this.#tell(key, watched, 'self-trigger');
  }

  #damp(watched: Watched, dampMs: number): void {
    this.#damped += Math.sign(dampMs) - Math.sign(watched.dampMs);
    watched.dampMs = dampMs;
  }

  #tell(key: string, watched: Watched, kind: HotKey['kind']): void {
    watched.told = true;
    const paths = [...(watched.paths ?? [])].toSorted(([, one], [, other]) => other - one).map(([path]) => path);
    this.#onHot({ key, kind, runs: watched.runs, paths: kind === 'hot' ? [] : paths.slice(0, 3) });
  }

  #watch(key: string): Watched | undefined {
    if (this.#clock.now() - this.#windowStart >= WINDOW_MS) this.#startWindow();
    const known = this.#watched.get(key);
    if (known || this.#watched.size >= KEYS_MAX) return known;
    const watched: Watched = {
      runs: 0,
      selfRuns: 0,
      told: false,
      ownWrites: [],
      objects: undefined,
      paths: undefined,
      dampMs: 0,
      notBefore: undefined,
    };
    this.#watched.set(key, watched);
    return watched;
  }

  /** Keys in a loop stay known; of the others nothing is left. */
  #startWindow(): void {
    this.#windowStart = this.#clock.now();
    for (const [key, watched] of this.#watched) {
      if (watched.dampMs === 0) this.#watched.delete(key);
      watched.runs = watched.selfRuns = 0;
      watched.told = false;
    }
  }
}

/** Whether all that led to a run are updates by the key's own runs. */
function isOwn({ ownWrites }: Watched, causes: readonly Cause[]): boolean {
  return (
    causes.length > 0 &&
    causes.every(
      ({ change, revision, object }) =>
        change === 'update' && ownWrites.some((write) => write.revision === revision && write.key === object),
    )
  );
}
