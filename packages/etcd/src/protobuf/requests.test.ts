import fc from 'fast-check';
import {
  type Compare,
  type DeleteRequest,
  type KeySelector,
  keyRange,
  type Operation,
  type PutRequest,
  type RangeRequest,
  toBytes,
  type TxnRequest,
} from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { etcd3Codec, type MethodCodec } from '../../../../test/harness/etcd3-codec.ts';
import { encodeDelete, encodePut, encodeRange, encodeTxn, encodeWatch } from './index.ts';

/**
 * Every request is made at random, written by ours and read by etcd3's codec, and has to mean what was asked for.
 */
const revision = fc.oneof(fc.constant(0n), fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 63n - 1n));
const lease = fc.oneof(fc.constant(0n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const keyBytes = fc.oneof(
  fc.string({ minLength: 1 }).filter(isWellFormed),
  fc.uint8Array({ minLength: 1, maxLength: 300 }),
);
const value = fc.oneof(fc.string().filter(isWellFormed), fc.uint8Array({ maxLength: 400 }));
const selector: fc.Arbitrary<KeySelector> = fc.oneof(
  keyBytes.map((key) => ({ key })),
  fc.tuple(keyBytes, keyBytes).map(([key, end]) => ({ key, end })),
  keyBytes.map((prefix) => ({ prefix })),
  keyBytes.map((fromKey) => ({ fromKey })),
);
const some = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

const rangeOptions = some({
  limit: fc.nat(),
  sort: fc.record({
    by: fc.constantFrom('key' as const, 'create' as const, 'mod' as const, 'version' as const, 'value' as const),
    order: fc.constantFrom('ascend' as const, 'descend' as const),
  }),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  serializable: fc.boolean(),
  revision,
  minModRevision: revision,
  maxModRevision: revision,
  minCreateRevision: revision,
  maxCreateRevision: revision,
});
const range = fc.tuple(selector, rangeOptions).map(([keys, options]) => ({ ...keys, ...options }));
const put = fc
  .tuple(keyBytes, value, some({ lease, keepLease: fc.boolean(), prevKv: fc.boolean() }))
  .map(([key, content, options]) => ({ key, value: content, ...options }));
const remove = fc.tuple(selector, some({ prevKv: fc.boolean() })).map(([keys, options]) => ({ ...keys, ...options }));
const operator = fc.constantFrom('=' as const, '!=' as const, '>' as const, '<' as const);
const target = fc.constantFrom('version' as const, 'create' as const, 'mod' as const, 'lease' as const);
const compare: fc.Arbitrary<Compare> = fc
  .tuple(selector, operator, target, lease, fc.option(value))
  .map(
    ([keys, how, what, operand, content]) =>
      (content === null
        ? { ...keys, operator: how, target: what, operand }
        : { ...keys, operator: how, target: 'value', operand: content }) as Compare,
  );
const { txn } = fc.letrec<{ txn: TxnRequest; operation: Operation }>((tie) => ({
  operation: fc.oneof(
    { maxDepth: 3 },
    range.map((each) => ({ range: each })),
    put.map((each) => ({ put: each })),
    remove.map((each) => ({ delete: each })),
    tie('txn').map((each) => ({ txn: each })),
  ),
  txn: some({
    compares: fc.array(compare, { maxLength: 3 }),
    then: fc.array(tie('operation'), { maxLength: 3 }),
    else: fc.array(tie('operation'), { maxLength: 3 }),
  }),
}));

describe('requests to etcd, against its own codec', async () => {
  const [ranges, puts, deletes, txns, watches] = await Promise.all([
    etcd3Codec('KV', 'Range'),
    etcd3Codec('KV', 'Put'),
    etcd3Codec('KV', 'DeleteRange'),
    etcd3Codec('KV', 'Txn'),
    etcd3Codec('Watch', 'Watch'),
  ]);
  /** What etcd3 reads out of `bytes` is what it reads out of its own writing of `message`. */
  const expectSame = (codec: MethodCodec, bytes: Buffer, message: object): void => {
    expect(codec.requestDeserialize(bytes)).toEqual(codec.requestDeserialize(codec.requestSerialize(message)));
  };

  it('I-134: a range says all that was asked for, to the last digit', () =>
    fc.assert(fc.property(range, (request) => expectSame(ranges, encodeRange(request), rangeMessage(request)))));

  it('a put', () =>
    fc.assert(fc.property(put, (request) => expectSame(puts, encodePut(request), putMessage(request)))));

  it('a delete', () =>
    fc.assert(fc.property(remove, (request) => expectSame(deletes, encodeDelete(request), deleteMessage(request)))));

  it('a transaction, to three levels', () =>
    fc.assert(fc.property(txn, (request) => expectSame(txns, encodeTxn(request), txnMessage(request)))));

  it('F-28: a watch, which asks for progress marks and, unless told not to, fragments', () => {
    const options = some({ exclude: fc.constantFrom('put' as const, 'delete' as const), prevKv: fc.boolean() });
    fc.assert(
      fc.property(selector, options, fc.option(revision), fc.boolean(), (keys, chosen, start, fragment) => {
        const message = {
          ...selectorMessage(keys),
          start_revision: String(start ?? 0n),
          prev_kv: chosen.prevKv ?? false,
          filters: chosen.exclude ? [chosen.exclude === 'put' ? 'Noput' : 'Nodelete'] : [],
          progress_notify: true,
          fragment,
        };
        expectSame(watches, encodeWatch({ ...keys, ...chosen }, start ?? undefined, fragment), {
          create_request: message,
        });
      }),
    );
  });

  it('F-114: end a prefix where the next key begins, and a from-key nowhere', () => {
    const endOf = (keys: KeySelector): unknown => ranges.requestDeserialize(encodeRange(keys))['range_end'];
    expect(endOf({ prefix: '/a/' })).toEqual(Buffer.from('/a0'));
    expect(endOf({ fromKey: '/a' })).toEqual(Buffer.from([0]));
    expect(endOf({ key: '/a' })).toEqual(Buffer.alloc(0));
  });

  it('a comparison with nothing is still one', () => {
    const none = { key: '/a', target: 'value', operator: '=', operand: '' } as const;
    const zero = { key: '/a', target: 'create', operator: '=', operand: 0n } as const;
    const [byValue, byCreation] = txns.requestDeserialize(encodeTxn({ compares: [none, zero] }))['compare'] as object[];
    expect(byValue).toMatchObject({ target_union: 'value' });
    expect(byCreation).toMatchObject({ target_union: 'create_revision' });
  });
});

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDFFF]/u.test(text);
}

const buffer = (bytes: string | Uint8Array): Buffer => Buffer.from(toBytes(bytes));

function selectorMessage(keys: KeySelector): object {
  const { start, end } = keyRange(keys);
  return end ? { key: Buffer.from(start), range_end: Buffer.from(end) } : { key: Buffer.from(start) };
}

function rangeMessage(request: RangeRequest): object {
  const targets = { key: 'Key', version: 'Version', create: 'Create', mod: 'Mod', value: 'Value' };
  return {
    ...selectorMessage(request),
    limit: String(request.limit ?? 0),
    revision: String(request.revision ?? 0n),
    ...(request.sort
      ? { sort_order: request.sort.order === 'ascend' ? 'Ascend' : 'Descend', sort_target: targets[request.sort.by] }
      : {}),
    serializable: request.serializable ?? false,
    keys_only: request.keysOnly ?? false,
    count_only: request.countOnly ?? false,
    min_mod_revision: String(request.minModRevision ?? 0n),
    max_mod_revision: String(request.maxModRevision ?? 0n),
    min_create_revision: String(request.minCreateRevision ?? 0n),
    max_create_revision: String(request.maxCreateRevision ?? 0n),
  };
}

function putMessage(request: PutRequest): object {
  const { key, value: content, lease: id, keepLease, prevKv } = request;
  const flags = { ignore_lease: keepLease ?? false, prev_kv: prevKv ?? false };
  return { key: buffer(key), value: buffer(content), lease: String(id ?? 0n), ...flags };
}

function deleteMessage(request: DeleteRequest): object {
  return { ...selectorMessage(request), prev_kv: request.prevKv ?? false };
}

function compareMessage(one: Compare): object {
  const results = { '=': 'Equal', '!=': 'NotEqual', '>': 'Greater', '<': 'Less' };
  const common = { ...selectorMessage(one), result: results[one.operator] };
  if (one.target === 'value') return { ...common, target: 'Value', value: buffer(one.operand) };
  const fields = {
    version: { target: 'Version', version: String(one.operand) },
    create: { target: 'Create', create_revision: String(one.operand) },
    mod: { target: 'Mod', mod_revision: String(one.operand) },
    lease: { target: 'Lease', lease: String(one.operand) },
  };
  return { ...common, ...fields[one.target] };
}

function operationMessage(operation: Operation): object {
  if ('range' in operation) return { request_range: rangeMessage(operation.range) };
  if ('put' in operation) return { request_put: putMessage(operation.put) };
  if ('delete' in operation) return { request_delete_range: deleteMessage(operation.delete) };
  return { request_txn: txnMessage(operation.txn) };
}

function txnMessage(request: TxnRequest): object {
  return {
    compare: (request.compares ?? []).map(compareMessage),
    success: (request.then ?? []).map(operationMessage),
    failure: (request.else ?? []).map(operationMessage),
  };
}
