import type { WatchRequest } from 'setpoint/store';
import { type EncodedRequest, writeSelector } from './kv-requests.ts';
import { MessageWriter } from './message-writer.ts';

const FILTERS = { put: 0, delete: 1 } as const;

/** A WatchRequest that creates a watch with progress marks. `startRevision` undefined: from now on. */
export function encodeWatch(
  request: WatchRequest,
  startRevision: bigint | undefined,
  fragments: boolean,
): EncodedRequest {
  const writer = new MessageWriter();
  writer.boolean(0x40, fragments);
  writer.boolean(0x30, request.prevKv);
  if (request.exclude) writer.present(0x2a, Uint8Array.of(FILTERS[request.exclude]));
  writer.boolean(0x20, true);
  writer.int64(0x18, startRevision);
  writeSelector(writer, request);
  writer.message(0x0a, 0);
  return writer.finish();
}
