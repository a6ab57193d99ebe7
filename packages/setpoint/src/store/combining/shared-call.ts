import { type ErrorCode, isSetpointError } from '../../errors/index.ts';
import type { Clock } from '../../internal/clock.ts';
import { markChecked } from '../check-request.ts';
import type { CallOptions, Store } from '../port.ts';
import { memberAnswer } from './member-answer.ts';
import type { PendingWrite } from './pending-write.ts';

/**
 * How much of its time a member may wait for its call beyond its own limit: the call ends with the last of its members,
 * and only the store can say whether a call that ended had been sent.
 */
const GRACE = 0.1;

/** With these the store refused the whole call, for the sake of one member perhaps, and nothing was applied. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'Invalid',
  'LeaseNotFound',
  'NotFound',
  'Compacted',
  'FutureRevision',
  'PermissionDenied',
  'TooLarge',
  'TooManyOperations',
  'NoSpace',
]);

/** What came of a call: everybody knows, or it was refused as a whole and its members may be asked again in parts. */
export type CallEnd = { readonly refused: boolean; readonly error?: unknown };

/** Several writes under way as one transaction, each nested in it with its own compares. */
export class SharedCall {
  readonly #members: readonly PendingWrite[];
  readonly #abort = new AbortController();

  constructor(members: readonly PendingWrite[]) {
    this.#members = members;
  }

  /** Sends it and settles its members. Never rejects. */
  async send(store: Store, clock: Clock): Promise<CallEnd> {
    try {
      // Each member was checked, and the line saw to it that together they keep the limits and write no key twice.
      const request = markChecked({ then: this.#members.map((member) => member.operation) });
      const { revision, responses } = await store.txn(request, this.#options(clock));
      for (const [index, member] of this.#members.entries()) {
        if (!member.settled) member.answer(memberAnswer(responses[index]!, revision));
      }
      return { refused: false };
    } catch (error) {
      const refused = isSetpointError(error) && REFUSALS.has(error.code);
      if (!refused) this.#fail(error);
      return { refused, error };
    }
  }

  /** Gives up those whose own time is up well before the call's, and says when to look again. */
  expire(now: number): number {
    let next = Infinity;
    for (const member of this.#members) {
      if (member.settled) continue;
      const due = givenUpAt(member);
      if (due > now) next = Math.min(next, due);
      else this.giveUp(member, `no answer within ${member.timeoutMs} ms`);
    }
    return next;
  }

  /** One member no longer waits; the call goes on for the others, and is cancelled when there are none. */
  giveUp(member: PendingWrite, why: string): void {
    const { signal } = member.options;
    member.fail('OutcomeUnknown', `${why}; ${READ_FIRST}`, signal?.aborted ? signal.reason : undefined);
    if (this.#members.every((each) => each.settled)) this.#abort.abort();
  }

  #options(clock: Clock): CallOptions {
    const { signal } = this.#abort;
    const deadline = Math.max(...this.#members.map((member) => member.deadline));
    return deadline === Infinity ? { signal } : { signal, timeoutMs: Math.max(1, Math.ceil(deadline - clock.now())) };
  }

  #fail(error: unknown): void {
    for (const member of this.#members) {
      if (member.settled) continue;
      if (!isSetpointError(error)) member.reject(error);
      else member.fail(error.code, `together with other writes: ${error.message.slice(error.code.length + 2)}`, error);
    }
  }
}

const READ_FIRST = 'it may or may not have been applied: read before deciding';

function givenUpAt({ deadline, timeoutMs }: PendingWrite): number {
  return deadline + (timeoutMs ?? 0) * GRACE;
}
