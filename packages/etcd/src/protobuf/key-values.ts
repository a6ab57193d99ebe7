import type { KeyValue, WatchEvent } from 'setpoint/store';
import { MalformedMessage, type MessageReader } from './message-reader.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

/** Reads a KeyValue. Its key and value are views into the message. */
export function readKeyValue(reader: MessageReader): KeyValue {
  let key = NOTHING;
  let value = NOTHING;
  let createRevision = 0n;
  let modRevision = 0n;
  let version = 0n;
  let lease = 0n;
  const outer = reader.enter();
  while (reader.more) {
    switch (reader.tag()) {
      case 0x0a:
        key = reader.bytes();
        break;
      case 0x10:
        createRevision = reader.int64();
        break;
      case 0x18:
        modRevision = reader.int64();
        break;
      case 0x20:
        version = reader.int64();
        break;
      case 0x2a:
        value = reader.bytes();
        break;
      case 0x30:
        lease = reader.int64();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  return { key, value, createRevision, modRevision, version, lease };
}

/** Reads an Event. */
export function readEvent(reader: MessageReader): WatchEvent {
  let type: WatchEvent['type'] = 'put';
  let kv: KeyValue | undefined;
  let prevKv: KeyValue | undefined;
  const outer = reader.enter();
  while (reader.more) {
    switch (reader.tag()) {
      case 0x08:
        type = reader.number() === 1 ? 'delete' : 'put';
        break;
      case 0x12:
        kv = readKeyValue(reader);
        break;
      case 0x1a:
        prevKv = readKeyValue(reader);
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  if (kv === undefined) throw new MalformedMessage('an event names no key');
  return prevKv ? { type, kv, prevKv } : { type, kv };
}
