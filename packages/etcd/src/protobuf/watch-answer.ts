import type { WatchEvent } from 'setpoint/store';
import { type AnswerHeader, decodeHeader } from './answer-header.ts';
import { readEvent } from './key-values.ts';
import { MessageReader } from './message-reader.ts';

/** One message of a watch stream. */
export interface WatchAnswer {
  /** Absent beside events: they say themselves of which revision they are. */
  readonly header: AnswerHeader | undefined;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0 when the watch was cancelled because what it asked for is compacted. */
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** More of the same response follows in the next message. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

/** Reads a WatchResponse. */
export function decodeWatch(bytes: Uint8Array): WatchAnswer {
  const reader = new MessageReader(bytes);
  const events: WatchEvent[] = [];
  let created = false;
  let canceled = false;
  let fragment = false;
  let compactRevision = 0n;
  let cancelReason = '';
  let headerBytes: Uint8Array | undefined;
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        headerBytes = reader.bytes();
        break;
      case 0x18:
        created = reader.boolean();
        break;
      case 0x20:
        canceled = reader.boolean();
        break;
      case 0x28:
        compactRevision = reader.int64();
        break;
      case 0x32:
        cancelReason = reader.text();
        break;
      case 0x38:
        fragment = reader.boolean();
        break;
      case 0x5a:
        events.push(readEvent(reader));
        break;
      default:
        reader.skip();
    }
  }
  // Half of what a live event costs to read would be its header.
  const header = events.length > 0 ? undefined : decodeHeader(headerBytes ?? new Uint8Array(0));
  return { header, created, canceled, compactRevision, cancelReason, fragment, events };
}
