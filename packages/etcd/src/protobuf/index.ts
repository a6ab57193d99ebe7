/**
 * # The messages of etcd's fast paths
 *
 * Reads and writes the protobuf messages of the calls that carry data (range, put, delete, transactions, watches)
 * straight from and to the port's objects. The other calls use etcd3's codec, which makes an object of its own of every
 * message first and is several times as slow.
 *
 * - Integers are exact over all 64 bits. Unknown fields are skipped, malformed bytes throw {@link MalformedMessage}.
 * - The keys and values of an answer are views into its message, not copies. gRPC gives every message memory of its
 *   own (below 4 KiB a part of an 8 KiB block), so a value that is kept for long keeps its page of a list, or its
 *   batch of events, from being collected. The informer's cache decodes values and drops them; who keeps the bytes of
 *   few keys out of many copies them: `value.slice()`.
 *
 * ```ts
 * const request = encodeRange({ prefix: '/config/', limit: 500 });
 * const { header, body } = decodeRange(await send(request));
 * console.log(header?.revision, body.kvs.length, body.more);
 * ```
 *
 * Next: `message-reader.ts`
 */
export { type Answer, type AnswerHeader } from './answer-header.ts';
export { decodeDelete, decodePut, decodeRange, decodeTxn } from './kv-answers.ts';
export { encodeDelete, type EncodedRequest, encodePut, encodeRange, encodeTxn } from './kv-requests.ts';
export { MalformedMessage } from './message-reader.ts';
export { decodeWatch, type WatchAnswer } from './watch-answer.ts';
export { PROGRESS_REQUEST } from './progress-request.ts';
export { encodeWatch } from './watch-request.ts';
