import type { Line } from './line.ts';
import type { Call, SimulatedProcess } from './process.ts';

/** Something on its way: a call or its reply, or what a watch has to tell. */
export interface Message {
  readonly process: SimulatedProcess;
  readonly call?: Call;
  readonly line?: Line;
  /** The call took effect; what is on its way is the reply. */
  reply?: boolean;
  /** Comes after everything else that is under way. */
  late?: boolean;
}

/** Everything that is on its way, the oldest first, and what of it may be delivered. */
export class Mailbox {
  readonly #messages: Message[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  post(message: Message): void {
    this.#messages.push(message);
  }

  /** The next message that may be delivered, taken out of the inbox. */
  pick(): Message | undefined {
    const held: number[] = [];
    for (let index = 0; index < this.#messages.length; index++) {
      const message = this.#messages[index]!;
      if (message.process.dead || message.line?.over) {
        this.#messages.splice(index--, 1);
        continue;
      }
      if (message.process.pausedUntil > this.#now()) continue;
      if (message.late || this.#isHeld(message.line)) {
        held.push(index);
        continue;
      }
      return this.#messages.splice(index, 1)[0];
    }
    return this.#release(held);
  }

  #isHeld(line: Line | undefined): boolean {
    const hold = line?.hold;
    if (!hold) return false;
    if (typeof hold.until === 'number' && hold.until <= this.#now()) line.hold = undefined;
    if (hold.until === 'news' && line.changes > hold.since) line.hold = undefined;
    return line.hold !== undefined;
  }

  /** Nothing else is under way: what was only to come late comes now. */
  #release(held: readonly number[]): Message | undefined {
    for (const index of held) {
      const message = this.#messages[index]!;
      if (message.late) message.late = false;
      else if (message.line!.hold!.until === 'idle') message.line!.hold = undefined;
      else continue;
      return this.#messages.splice(index, 1)[0];
    }
    return undefined;
  }

  /** Ends the holds that wait for changes which do not come; says whether there were any. */
  releaseAll(): boolean {
    let released = false;
    for (const { line } of this.#messages) {
      if (line?.hold?.until !== 'news') continue;
      line.hold = undefined;
      released = true;
    }
    return released;
  }
}
