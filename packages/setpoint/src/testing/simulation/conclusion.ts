import { canonicalState, stateDifference } from './canonical.ts';
import { cacheDifference } from './cache-difference.ts';
import { breach } from './law.ts';
import type { ScheduleOptions } from './schedule-result.ts';
import type { World } from './world.ts';
import type { Violation } from './world-options.ts';

/** How long it may take to come to rest at the end: several of the longest delays of failing attempts. */
const TAIL_MAX_MS = 7_200_000;

/**
 * The last rests of a schedule. At the first it looks at what was reached; then it asks for every object once more, and
 * at the next rest restarts every process: neither may write anything.
 */
export class Conclusion {
  readonly #world: World;
  readonly #options: ScheduleOptions;
  readonly #eventually: Set<string>;
  #stage: 'reaching' | 'resynced' | 'restarted' = 'reaching';
  /** How many commits there were when the present stage began. */
  #commits = 0;

  constructor(world: World, options: ScheduleOptions) {
    this.#world = world;
    this.#options = options;
    this.#eventually = new Set(options.subject.eventually?.map(({ name }) => name));
  }

  /** What was wanted has been reached: no fault strikes any more. */
  get begun(): boolean {
    return this.#stage !== 'reaching';
  }

  /** Called at rest, when nobody has anything left to do. `tailSince`: when that was. Says whether the run is over. */
  next(tailSince: number): boolean {
    const world = this.#world;
    const late = world.clock.now() - tailSince > TAIL_MAX_MS;
    for (const each of this.#options.subject.eventually ?? []) {
      if (breach(each, world.state) === undefined) this.#eventually.delete(each.name);
    }
    const missed = this.#notReached();
    if (missed !== undefined && !late) {
      // Not yet: whatever is put off may still bring it about.
      if (world.clock.nextDue < Infinity) world.clock.fireNext();
      return world.clock.nextDue === Infinity;
    }
    if (missed !== undefined) {
      world.violate(missed);
      return true;
    }
    switch (this.#stage) {
      case 'reaching':
        this.#lookAtCaches();
        this.#enter('resynced');
        this.#resync();
        return false;
      case 'resynced':
        this.#refuseWrites('not-idempotent', 'every object was reconciled once more');
        if (this.#options.judgement.quietRestart === false) break;
        this.#enter('restarted');
        for (const process of world.processes.values()) world.crash(process);
        return false;
      case 'restarted':
        this.#refuseWrites('restart', 'every process was restarted');
    }
    this.#compare();
    return true;
  }

  #enter(stage: 'resynced' | 'restarted'): void {
    this.#stage = stage;
    this.#commits = this.#world.commits;
  }

  #refuseWrites(oracle: 'not-idempotent' | 'restart', what: string): void {
    const writes = this.#world.commits - this.#commits;
    if (writes === 0) return;
    const message = `at rest ${what}, and that wrote ${writes} times though nothing had changed`;
    this.#world.violate({ oracle, message });
  }

  /** What our own runtime promises: each cache is what is stored, without help, and nothing is told to it twice. */
  #lookAtCaches(): void {
    const world = this.#world;
    const { resources = [] } = this.#options.subject;
    for (const { manager, controllers, dead } of world.processes.values()) {
      if (!manager || dead) continue;
      const kinds = new Set([
        ...controllers.flatMap(({ definition, owns, watches }) => [
          definition,
          ...owns,
          ...watches.map(({ resource }) => resource),
        ]),
        ...resources,
      ]);
      for (const kind of kinds) {
        const cache = manager.informer(kind);
        if (!cache.hasSynced) continue;
        const { staleEvents, divergedKeys } = cache.counts;
        const wrong =
          staleEvents > 0 && !world.repeated && !world.incomparable
            ? `was told ${staleEvents} changes twice`
            : divergedKeys > 0 && !world.lostEvents
              ? `was wrong about ${divergedKeys} keys until an audit found them, and no change had been lost`
              : cacheDifference(world.state, kind, cache.lister);
        if (wrong) world.violate({ oracle: 'hygiene', message: `the cache of ${cache.name} ${wrong}` });
      }
    }
  }

  /** What should be by now and is not. */
  #notReached(): Violation | undefined {
    const world = this.#world;
    const { matches } = this.#options.subject;
    const wrong = matches && breach({ name: 'what is wanted', check: matches }, world.state);
    const failing = [...world.processes.values()].flatMap((process) => [...process.failing]);
    if (wrong !== undefined) {
      const still = failing.length > 0 ? `; still failing: ${failing.slice(0, 3).join(', ')}` : '';
      return { oracle: 'matches', message: `at rest, what is stored is not what is wanted (${wrong})${still}` };
    }
    const [never] = this.#eventually;
    if (never !== undefined) return { oracle: 'eventually', message: `this never came to hold: ${never}` };
    if (failing.length === 0) return undefined;
    return { oracle: 'no-rest', message: `it fails for ever: ${failing.slice(0, 3).join(', ')}` };
  }

  #resync(): void {
    const world = this.#world;
    world.note('kit', 'asks for every object once more');
    for (const { manager, controllers, dead } of world.processes.values()) {
      if (!manager || dead) continue;
      for (const { name, definition } of controllers) {
        const { queue } = manager.controller(name);
        for (const key of manager.informer(definition).lister.keys()) queue.add(key);
      }
    }
    world.active();
  }

  #compare(): void {
    const { reference, judgement, faults } = this.#options;
    const world = this.#world;
    if (!reference) return;
    const { factor, plus } = judgement.writes ?? { factor: 3, plus: 30 };
    const most = reference.commits * factor + plus * Math.max(1, faults.length);
    if (world.commits > most && !world.incomparable) {
      const message = `${world.commits} writes, where a run without faults makes ${reference.commits}`;
      world.violate({ oracle: 'write-amplification', message });
    }
    if (world.incomparable || world.lostEvents) return;
    if (judgement.sameEnd ?? true) {
      const difference = stateDifference(reference.end, canonicalState(world.state.keys));
      if (difference !== undefined) {
        const message = `it ends in another state than without faults: ${difference}`;
        world.violate({ oracle: 'end-state', message });
      }
    }
    if (!(judgement.noExtraCreates ?? true)) return;
    for (const [key, count] of world.creates) {
      const usual = reference.creates.get(key) ?? 0;
      // Who sees the past may make what was wanted then, and take it away again.
      if (count <= usual || (world.travelled && !world.state.keys.has(key))) continue;
      const message = `${key} was created ${count} times, ${usual} without faults`;
      world.violate({ oracle: 'extra-creates', message });
    }
  }
}
