import { SetpointError } from '../../errors/index.ts';
import type { Revision, Store } from '../../store/index.ts';
import { firstKey, lostReply } from './call-text.ts';
import type { FaultKind } from './fault.ts';
import type { Line } from './line.ts';
import type { Mailbox, Message } from './mailbox.ts';
import type { Call, SimulatedProcess } from './process.ts';
import type { MirroredState } from './state.ts';
import type { WorldClock } from './world-clock.ts';

/** Longer than any lease that controllers use by default. */
const PAUSE_MS = 60_000;
/** Longer than a reconcile waits for its own writes to show. */
const FREEZE_MS = 20_000;
/** How many rests later a process sees the past: by then there is something to be wrong about. */
const TRAVEL_RESTS = 3;

/** A process that is to restart and list from before. */
export interface Travel {
  readonly process: SimulatedProcess;
  readonly prefix: string;
  readonly to: Revision;
  restsLeft: number;
}

/** As much of a world as faults need. */
interface StruckWorld {
  readonly clock: WorldClock;
  readonly inbox: Mailbox;
  readonly state: MirroredState;
  readonly store: Store;
  readonly travels: Travel[];
  afterDrain: (() => void) | undefined;
  frozenUntil: number;
  lostEvents: boolean;
  lostAt: number;
  repeated: boolean;
  touches: number;
  travelled: boolean;
  active(at?: number): void;
  crash(process: SimulatedProcess): void;
  answer(call: Call): void;
}

/** Strikes a call before it takes effect; says whether it is dealt with, for now. */
export function strikeBefore(world: StruckWorld, kind: FaultKind, message: Message): boolean {
  const call = message.call!;
  const { process } = call;
  const { clock, inbox, state, store } = world;
  const strikes: Partial<Record<FaultKind, () => void>> = {
    'crash-before': () => world.crash(process),
    lost: () => call.reject(lostReply(call)),
    unavailable: () => call.reject(new SetpointError('Unavailable', 'the simulation refused this call')),
    late() {
      message.late = true;
      inbox.post(message);
    },
    pause() {
      process.pausedUntil = clock.now() + PAUSE_MS;
      inbox.post(message);
      world.active(process.pausedUntil);
      clock.setTimer(() => {}, PAUSE_MS);
    },
  };
  const found = kind === 'touch' ? state.keys.get(firstKey(call)) : undefined;
  if (found) {
    world.touches++;
    void store.put({ key: found.key, value: found.value });
  }
  strikes[kind]?.();
  return strikes[kind] !== undefined;
}

/** Strikes a call that took effect, before its process hears of it. */
export function strikeAfter(world: StruckWorld, kind: FaultKind, message: Message): void {
  const call = message.call!;
  if (kind === 'crash-after') return world.crash(call.process);
  if (kind === 'unknown') return call.reject(lostReply(call));
  if (kind === 'delay') return world.inbox.post({ ...message, reply: true, late: true });
  world.answer(call);
  world.afterDrain = () => world.crash(call.process);
}

/** Strikes what a cache is about to be told; says whether that is dealt with, for now. */
export function strikeLine(
  world: StruckWorld,
  kind: FaultKind,
  at: { readonly process: SimulatedProcess; readonly line: Line },
): boolean {
  const { process, line } = at;
  const hold = (until: 'idle' | 'news' | number): void => {
    line.hold = { until, since: line.changes };
    line.together = until === 'news';
    world.inbox.post(at);
  };
  const strikes: Partial<Record<FaultKind, () => void>> = {
    hold: () => hold('idle'),
    skip: () => hold('news'),
    freeze() {
      world.frozenUntil = world.clock.now() + FREEZE_MS;
      hold(world.frozenUntil);
      world.clock.setTimer(() => {}, FREEZE_MS);
    },
    repeat() {
      world.repeated = true;
      line.deliver();
      line.repeat();
    },
    lose() {
      world.lostEvents = true;
      world.lostAt = world.clock.now();
      line.deliver({ empty: true });
    },
    break: () => line.cut(),
    compact() {
      void world.store.compact(world.state.revision).catch(() => {});
      line.cut();
    },
  };
  if (kind === 'travel') {
    world.travels.push({ process, prefix: line.prefix, to: line.told, restsLeft: TRAVEL_RESTS });
  }
  strikes[kind]?.();
  return strikes[kind] !== undefined;
}

/**
 * At rest: a process whose time it is restarts, and will see an older state than before; at the last rest it is the time
 * of all. Says whether one did.
 */
export function travelBack(world: StruckWorld, last: boolean): boolean {
  for (const travel of world.travels) {
    if (last) travel.restsLeft = 0;
    if (--travel.restsLeft > 0 || travel.process.dead) continue;
    world.travelled = true;
    world.crash(travel.process);
    return true;
  }
  return false;
}
