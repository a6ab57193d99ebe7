import fc from 'fast-check';
import type { KeyValue, OperationResponse, WatchEvent } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { etcd3Codec } from '../../../../test/harness/etcd3-codec.ts';
import { decodeDelete, decodePut, decodeRange, decodeTxn, decodeWatch } from './index.ts';

/**
 * Every answer is made at random, written by etcd3's codec (proto-loader) with its integers as decimal text, and has to
 * come out of ours as the port has it. A few bytes of an unknown field are added in front or behind.
 */
const whole = <T extends object>(model: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const revision = fc.oneof(fc.bigInt(0n, 200n), fc.bigInt(0n, 2n ** 63n - 1n));
const lease = fc.oneof(fc.constant(0n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Uint8Array.from(array));
const keyValue: fc.Arbitrary<KeyValue> = whole({
  key: bytes,
  value: bytes,
  createRevision: revision,
  modRevision: revision,
  version: revision,
  lease,
});
const clusterId = fc.bigInt(0n, 2n ** 64n - 1n);
const event: fc.Arbitrary<WatchEvent> = fc.record(
  { type: fc.constantFrom('put' as const, 'delete' as const), kv: keyValue, prevKv: keyValue },
  { requiredKeys: ['type', 'kv'], noNullPrototype: true },
);
/** Fields 100 and up, of every wire type: an integer, 8 bytes, some text, 4 bytes. */
const unknown = fc.constantFrom(
  [],
  [0xa0, 6, 0x96, 1],
  [0xa1, 6, 1, 2, 3, 4, 5, 6, 7, 8],
  [0xa2, 6, 2, 65, 66],
  [0xa5, 6, 1, 2, 3, 4],
);
const wrapped = (before: readonly number[], message: Uint8Array, after: readonly number[]): Uint8Array =>
  Buffer.concat([Uint8Array.from(before), message, Uint8Array.from(after)]);

const headerOf = (revisionHere: bigint, cluster: bigint): object => ({
  cluster_id: String(cluster),
  member_id: String(cluster),
  revision: String(revisionHere),
  raft_term: '7',
});
const messageOf = (kv: KeyValue): object => ({
  key: Buffer.from(kv.key),
  value: Buffer.from(kv.value),
  create_revision: String(kv.createRevision),
  mod_revision: String(kv.modRevision),
  version: String(kv.version),
  lease: String(kv.lease),
});

const rangeBody = whole({ revision, kvs: fc.array(keyValue), more: fc.boolean(), count: revision });
const putBody = fc.record({ revision, prevKv: keyValue }, { requiredKeys: ['revision'], noNullPrototype: true });
const deleteBody = whole({ revision, deleted: revision, prevKvs: fc.array(keyValue) });
type Bodies = [typeof rangeBody, typeof putBody, typeof deleteBody];
type Body<Index extends 0 | 1 | 2> = Bodies[Index] extends fc.Arbitrary<infer T> ? T : never;

const rangeMessage = (body: Body<0>): object => ({
  kvs: body.kvs.map(messageOf),
  more: body.more,
  count: String(body.count),
});
const putMessage = (body: Body<1>): object => (body.prevKv ? { prev_kv: messageOf(body.prevKv) } : {});
const deleteMessage = (body: Body<2>): object => ({
  deleted: String(body.deleted),
  prev_kvs: body.prevKvs.map(messageOf),
});

describe('answers of etcd, against its own codec', async () => {
  const check = async <T extends { revision: bigint }>(
    method: string,
    body: fc.Arbitrary<T>,
    toMessage: (body: T) => object,
    decode: (bytes: Uint8Array) => { header: object | null; body: unknown },
  ): Promise<void> => {
    const codec = await etcd3Codec('KV', method);
    const property = fc.property(body, clusterId, unknown, unknown, (given, cluster, before, after) => {
      const message = codec.responseSerialize({ ...toMessage(given), header: headerOf(given.revision, cluster) });
      const { header, body: read } = decode(wrapped(before, message, after));
      expect(read).toStrictEqual(given);
      expect(header).toEqual({ cluster_id: String(cluster), revision: given.revision });
    });
    fc.assert(property);
  };

  it('I-134: a range is read as etcd3 writes it, to the last digit', () =>
    check('Range', rangeBody, rangeMessage, decodeRange));
  it('a put, with and without what it replaced', () => check('Put', putBody, putMessage, decodePut));
  it('a delete', () => check('DeleteRange', deleteBody, deleteMessage, decodeDelete));

  it('a transaction, with every kind of operation in it, to three levels', async () => {
    const own = (revisionHere: bigint): object => ({ header: headerOf(revisionHere, 1n) });
    const { operations } = fc.letrec<{ operations: Made[] }>((tie) => ({
      operations: fc.array(
        fc.oneof(
          { maxDepth: 3 },
          rangeBody.map((range): Made => [
            { range },
            { response_range: { ...rangeMessage(range), ...own(range.revision) } },
          ]),
          putBody.map((put): Made => [
            { put } as OperationResponse,
            { response_put: { ...putMessage(put as Body<1>), ...own(put.revision) } },
          ]),
          deleteBody.map((gone): Made => [
            { delete: gone },
            { response_delete_range: { ...deleteMessage(gone), ...own(gone.revision) } },
          ]),
          fc
            .tuple(revision, fc.boolean(), tie('operations'))
            .map(([at, succeeded, inner]): Made => [
              { txn: { revision: at, succeeded, responses: inner.map(([each]) => each) } },
              { response_txn: { ...own(at), succeeded, responses: inner.map(([, each]) => each) } },
            ]),
        ),
        { maxLength: 4 },
      ),
    }));
    const positive = fc.bigInt(1n, 2n ** 63n - 1n);
    const codec = await etcd3Codec('KV', 'Txn');
    fc.assert(
      fc.property(operations, positive, fc.boolean(), (made, at, succeeded) => {
        const message = { header: headerOf(at, 1n), succeeded, responses: made.map(([, each]) => each) };
        const { body } = decodeTxn(codec.responseSerialize(message));
        expect(body).toStrictEqual({ revision: at, succeeded, responses: made.map(([each]) => filled(each, at)) });
      }),
    );
  });

  it('a nested transaction, whose header etcd leaves empty, has the revision of the one around it', async () => {
    const codec = await etcd3Codec('KV', 'Txn');
    const innermost = { response_txn: { succeeded: false, responses: [] } };
    const inner = { response_txn: { succeeded: true, responses: [innermost] } };
    const { body } = decodeTxn(
      codec.responseSerialize({ header: headerOf(9n, 1n), succeeded: true, responses: [inner] }),
    );
    expect(body).toEqual({
      revision: 9n,
      succeeded: true,
      responses: [
        {
          txn: {
            revision: 9n,
            succeeded: true,
            responses: [{ txn: { revision: 9n, succeeded: false, responses: [] } }],
          },
        },
      ],
    });
  });

  it('F-52: the events of a watch, with a previous value only where etcd still had it', async () => {
    const codec = await etcd3Codec('Watch', 'Watch');
    const given = whole({
      events: fc.array(event),
      revision,
      cluster: clusterId,
      created: fc.boolean(),
      canceled: fc.boolean(),
      fragment: fc.boolean(),
      compactRevision: revision,
      cancelReason: fc.string(),
    });
    const property = fc.property(given, unknown, unknown, (answer, before, after) => {
      const message = codec.responseSerialize({
        header: headerOf(answer.revision, answer.cluster),
        watch_id: '0',
        created: answer.created,
        canceled: answer.canceled,
        fragment: answer.fragment,
        compact_revision: String(answer.compactRevision),
        cancel_reason: answer.cancelReason,
        events: answer.events.map(({ type, kv, prevKv }) => ({
          type: type === 'put' ? 'Put' : 'Delete',
          kv: messageOf(kv),
          ...(prevKv ? { prev_kv: messageOf(prevKv) } : {}),
        })),
      });
      const { revision: at, cluster, ...rest } = answer;
      const header = answer.events.length > 0 ? undefined : { cluster_id: String(cluster), revision: at };
      expect(decodeWatch(wrapped(before, message, after))).toStrictEqual({ ...rest, header });
    });
    fc.assert(property);
  });

  it('keys and values are plain bytes, not Buffers, and views into the message', async () => {
    const codec = await etcd3Codec('KV', 'Range');
    const message = codec.responseSerialize({ kvs: [{ key: Buffer.from('/a'), value: Buffer.from('v') }] });
    const [kv] = decodeRange(message).body.kvs;
    expect(Buffer.isBuffer(kv!.value)).toBe(false);
    expect(kv!.value.buffer).toBe(message.buffer);
  });
});

/** An operation's answer as the port has it, and as etcd3 does. */
type Made = [OperationResponse, object];

/** As it comes out: a nested transaction at revision 0 has the revision of the one around it. */
function filled(response: OperationResponse, outer: bigint): OperationResponse {
  if (!('txn' in response)) return response;
  const at = response.txn.revision || outer;
  return { txn: { ...response.txn, revision: at, responses: response.txn.responses.map((each) => filled(each, at)) } };
}
