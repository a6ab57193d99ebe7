import { type Clock } from 'setpoint/internal';
import type { WatchEvent } from 'setpoint/store';
import type { EncodedRequest, WatchAnswer } from './protobuf/index.ts';
import { SilenceGuard } from './silence-guard.ts';
import type { CallStream } from './transport.ts';
import { WatchFragments } from './watch-fragments.ts';

/** What a watch stream says, in the order in which it says it. `created` comes first and once. */
export type WatchMessage =
  | { readonly type: 'created'; readonly revision: bigint; readonly clusterId: string }
  | { readonly type: 'events'; readonly events: readonly WatchEvent[] }
  | { readonly type: 'progress'; readonly revision: bigint };

/** The server ended the watch. `compactRevision` above 0: what was asked for is no longer in the history. */
export class WatchCancelled extends Error {
  readonly compactRevision: bigint;

  constructor(answer: WatchAnswer) {
    super(answer.cancelReason || 'no reason given');
    this.compactRevision = answer.compactRevision;
  }
}

export interface WatchStreamLimits {
  readonly clock: Clock;
  /** How long the server may take to create the watch. */
  readonly createTimeoutMs: number;
  /** How long it may be silent afterwards; 0 for ever. */
  readonly silenceMs: number;
}

/**
 * Reads one stream that carries one watch, until it ends or the reader stops; then cancels it. Rejects with
 * {@link WatchCancelled}, with gRPC's error, or because it was silent too long. The next message is only asked for
 * when the reader comes for it, so a slow reader slows the server down.
 */
export async function* readWatchStream(
  stream: CallStream<EncodedRequest, WatchAnswer>,
  limits: WatchStreamLimits,
): AsyncGenerator<WatchMessage, void, void> {
  let silent = false;
  const guard = new SilenceGuard(limits.clock, () => {
    silent = true;
    stream.cancel();
  });
  const fragments = new WatchFragments();
  try {
    guard.start(limits.createTimeoutMs);
    for await (const response of stream) {
      guard.heard();
      const message = interpret(response, fragments);
      if (message) yield message;
      if (message?.type === 'created') guard.start(limits.silenceMs);
      else guard.listening();
    }
  } catch (error) {
    if (silent) throw new Error('the watch was silent for too long', { cause: error });
    throw error;
  } finally {
    guard.stop();
    stream.cancel();
  }
}

function interpret(answer: WatchAnswer, fragments: WatchFragments): WatchMessage | undefined {
  // A cancellation comes first: some servers report a refused watch as created and cancelled in one message.
  if (answer.canceled) throw new WatchCancelled(answer);
  const { header } = answer;
  if (answer.created && header) return { type: 'created', revision: header.revision, clusterId: header.cluster_id };
  const events = fragments.add(answer);
  if (events === undefined) return undefined;
  if (events.length > 0 || !header) return { type: 'events', events };
  return { type: 'progress', revision: header.revision };
}
