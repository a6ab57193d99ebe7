import { MessageReader } from './message-reader.ts';

/** What every answer says of where it comes from, under etcd's names. */
export interface AnswerHeader {
  /** In decimal. */
  readonly cluster_id: string;
  readonly revision: bigint;
}

/** An answer of a call, and where it comes from; no header only in what is nested in an answer. */
export interface Answer<Body> {
  readonly header: AnswerHeader | null;
  readonly body: Body;
}

/** Reads a ResponseHeader. */
export function decodeHeader(bytes: Uint8Array): AnswerHeader {
  const reader = new MessageReader(bytes);
  let clusterId = 0n;
  let revision = 0n;
  while (reader.more) {
    switch (reader.tag()) {
      case 0x08:
        clusterId = reader.uint64();
        break;
      case 0x18:
        revision = reader.int64();
        break;
      default:
        reader.skip();
    }
  }
  return { cluster_id: clusterId.toString(), revision };
}
