import { SetpointError } from '../../errors/index.ts';

/**
 * What can be done to a call. `crash-before`: its process dies before the call takes effect; `crash-after`: it took
 * effect and the reply is never seen; `crash-done`: the process dies right after it saw the reply. `lost`: no reply, not
 * applied; `unknown`: no reply, applied. `unavailable`: refused, not applied. `touch`: somebody else rewrites the key
 * just before, so that a conditional write meets a conflict. `late` and `delay`: the call, or its reply, comes after
 * everything else that is under way. `pause`: its process stands still for longer than any lease. `second`: another
 * replica starts beside it.
 */
export const CALL_FAULTS = [
  'crash-before',
  'crash-after',
  'crash-done',
  'lost',
  'unknown',
  'unavailable',
  'touch',
  'late',
  'delay',
  'pause',
] as const;
/**
 * What can be done to what a cache is told. `hold`: nothing more until all else that is under way is done; `freeze`:
 * nothing more for 20 s; `skip`: nothing more until a later change is there too, and then both at once; `travel`:
 * two rests later the process restarts and lists from before this change; `lose`: the change is never told; `repeat`: the
 * change before this one is told again after it; `break`: the watch ends and is opened again; `compact`: it ends, and the
 * history is gone.
 */
export const EVENT_FAULTS = ['hold', 'freeze', 'skip', 'travel', 'lose', 'repeat', 'break', 'compact'] as const;
/**
 * `restart`: every process dies while nothing happens; `restore`: the store goes back to what it was at an earlier rest;
 * `jump`: the wall clock is set back by a day.
 */
export const REST_FAULTS = ['restart', 'restore', 'jump'] as const;
/** `start`: no scenario, from this state on; `without`: the same with one object less. */
export const START_FAULTS = ['start', 'without'] as const;

/** No fault, and only in the seeds of failures that were made smaller: the user's step of this number is left out. */
const OMIT = 'omit';

export type FaultKind =
  | typeof OMIT
  | (typeof CALL_FAULTS)[number]
  | (typeof EVENT_FAULTS)[number]
  | (typeof REST_FAULTS)[number]
  | (typeof START_FAULTS)[number];

export const FAULT_KINDS: readonly FaultKind[] = [...CALL_FAULTS, ...EVENT_FAULTS, ...REST_FAULTS, ...START_FAULTS];

/** One fault at one point of a run: `crash-after@7`, `hold@servers.2`, `restart@1`. */
export interface Fault {
  readonly kind: FaultKind;
  /** The number of a call, of a rest, of a state, or of a step; `<line>.<number>` for what a cache is told. */
  readonly at: string;
}

export const faultText = ({ kind, at }: Fault): string => `${kind}@${at}`;

export const faultsText = (faults: readonly Fault[]): string => faults.map(faultText).join(',') || 'none';

/** Leaves out the user's step of this number. */
export const omission = (step: number): Fault => ({ kind: OMIT, at: String(step) });

export const isOmission = ({ kind }: Fault): boolean => kind === OMIT;

/** Reads what {@link faultsText} wrote; throws `Invalid`. */
export function parseFaults(text: string): readonly Fault[] {
  if (text === 'none') return [];
  return text.split(',').map((part) => {
    const [kind, at] = part.split('@') as [FaultKind, string | undefined];
    if ((kind === OMIT || FAULT_KINDS.includes(kind)) && at) return { kind, at };
    throw new SetpointError('Invalid', `SETPOINT_SEED: '${part}' is no fault; one looks like crash-after@7`);
  });
}

/** The faults of one schedule, found by where they strike. Each strikes once. */
export class FaultPlan {
  readonly #byPoint = new Map<string, FaultKind[]>();
  readonly #omitted = new Set<string>();
  /** How many have struck. */
  struck = 0;

  constructor(faults: readonly Fault[]) {
    for (const { kind, at } of faults) {
      if (kind === OMIT) {
        this.#omitted.add(at);
        continue;
      }
      const kinds = this.#byPoint.get(pointOf(kind, at));
      if (kinds) kinds.push(kind);
      else this.#byPoint.set(pointOf(kind, at), [kind]);
    }
  }

  get left(): boolean {
    return this.#byPoint.size > 0;
  }

  /** Whether the user's step of this number is left out. */
  omits(step: number): boolean {
    return this.#omitted.has(String(step));
  }

  /** What strikes here, if anything; asked once for each point. */
  take(place: 'call' | 'event' | 'rest' | 'start', at: string): readonly FaultKind[] {
    if (this.#byPoint.size === 0) return NONE;
    const point = `${place} ${at}`;
    const kinds = this.#byPoint.get(point);
    if (!kinds) return NONE;
    this.#byPoint.delete(point);
    this.struck += kinds.length;
    return kinds;
  }
}

const NONE: readonly FaultKind[] = [];

function pointOf(kind: FaultKind, at: string): string {
  if ((CALL_FAULTS as readonly string[]).includes(kind)) return `call ${at}`;
  if ((EVENT_FAULTS as readonly string[]).includes(kind)) return `event ${at}`;
  return `${(REST_FAULTS as readonly string[]).includes(kind) ? 'rest' : 'start'} ${at}`;
}
