import type { EncodedRequest } from './kv-requests.ts';

/** A WatchRequest that asks how far the watches of its stream are: field 3, a message without fields of its own. */
export const PROGRESS_REQUEST: EncodedRequest = Buffer.of(0x1a, 0);
