import { SetpointError } from '../errors/index.ts';
import { checkOptionNames } from '../resource/index.ts';
import type { Revision } from '../store/index.ts';
import { Candidate, type Line } from './candidate.ts';
import { Claims } from './claims.ts';
import { checkCoordinationName, checkCoordinationPrefix, DEFAULT_COORDINATION_PREFIX } from './coordination-name.ts';
import { encodeHolder } from './line.ts';
import type { Ownership } from './ownership.ts';
import { type Patience, patiently } from './patience.ts';
import { checkIsSession, type Session } from './session.ts';

export interface CampaignOptions extends Patience {
  /** Where the election's keys are: `<prefix>/elections/<name>/`. Default `/setpoint`. */
  readonly prefix?: string;
  /** What the leader wants others to know, such as its address. */
  readonly value?: string;
}

/** A leadership, from the election to its loss or the resignation. */
export class Leadership {
  readonly name: string;
  readonly ownership: Ownership;
  readonly #proclaimed: (value: string) => string;

  constructor(name: string, ownership: Ownership, encode: (value: string) => string) {
    this.name = name;
    this.ownership = ownership;
    this.#proclaimed = encode;
  }

  /** Aborts when it is over: with `LockLost`, or `Closed` after a resignation. */
  get signal(): AbortSignal {
    return this.ownership.signal;
  }

  /** Changes what others are told. Fails with `LockLost`, having changed nothing, when another may lead now. */
  async proclaim(value: string): Promise<Revision> {
    const { key, session, store } = this.ownership;
    const put = { key, value: this.#proclaimed(value), lease: session.id };
    return (await store.put(put, { alone: true })).revision;
  }

  /** Ends it, so that the next candidate leads at once. Never fails; again does nothing. */
  resign(): Promise<void> {
    return this.ownership.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resign();
  }
}

const OPTIONS: readonly string[] = ['signal', 'timeoutMs', 'prefix', 'value'] satisfies (keyof CampaignOptions)[];

const campaigning = new Claims<object>();

/**
 * Stands for election and resolves when the session leads; candidates lead in the order in which they came. Fails as
 * `lock` does, and with `Invalid` when the session stands in this election already.
 */
export async function campaign(session: Session, name: string, options: CampaignOptions = {}): Promise<Leadership> {
  checkIsSession('campaign', session);
  checkOptionNames('campaign', options, OPTIONS);
  const line = electionLine(name, options.prefix);
  if (campaigning.find(session, line.prefix)) {
    throw new SetpointError(
      'Invalid',
      `this session stands in ${line.what} already: a session is one candidate, open another one for another`,
    );
  }
  const claim = {};
  campaigning.add(session, line.prefix, claim);
  const forget = (): void => campaigning.remove(session, line.prefix, claim);
  try {
    const candidate = new Candidate(session, line, { ...options, tellsTwin: true });
    const acquire = (signal: AbortSignal): Promise<Ownership> => candidate.acquire(signal);
    const ownership = await patiently(line.what, session, options, acquire);
    if (ownership.signal.aborted) forget();
    else ownership.signal.addEventListener('abort', forget, { once: true });
    return new Leadership(line.what, ownership, (value) => encodeHolder({ ...ownership.holder, value }));
  } catch (error) {
    forget();
    throw error;
  }
}

export function electionLine(name: string, prefix: string = DEFAULT_COORDINATION_PREFIX): Line {
  const root = checkCoordinationPrefix('election', prefix);
  const checked = checkCoordinationName('election', name);
  return { what: `election '${name}'`, prefix: `${root}/elections/${checked}/`, root };
}
