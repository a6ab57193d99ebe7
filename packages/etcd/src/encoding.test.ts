import type { IKeyValue, IResponseHeader, ITxnResponse } from 'etcd3';
import { describe, expect, it } from 'vitest';
import { encodeRange, encodeTxn, encodeWatch } from './request-encoding.ts';
import { decodeEvent, decodeKeyValue, decodeTxn } from './response-decoding.ts';

const BIG = 2n ** 62n + 3n;
const header = (revision: string): IResponseHeader => ({ cluster_id: '1', member_id: '1', revision, raft_term: '1' });
const kv = (overrides: Partial<IKeyValue> = {}): IKeyValue => ({
  key: Buffer.from('/a'),
  value: Buffer.from('v'),
  create_revision: '3',
  mod_revision: '5',
  version: '2',
  lease: '0',
  ...overrides,
});

describe('requests to etcd', () => {
  it('I-134: carry revisions as decimal text, so that none loses digits', () => {
    const range = encodeRange({ key: '/a', revision: BIG, minModRevision: BIG });
    expect([range.revision, range.min_mod_revision, range.max_mod_revision]).toEqual([String(BIG), String(BIG), '0']);
    expect(encodeWatch({ key: '/a' }, BIG).start_revision).toBe(String(BIG));
    const compare = { key: '/a', target: 'lease', operator: '!=', operand: BIG } as const;
    expect(encodeTxn({ compares: [compare] }).compare![0]).toMatchObject({
      target: 'Lease',
      result: 'NotEqual',
      lease: String(BIG),
    });
  });

  it('F-28: ask a watch for fragments and progress marks', () => {
    expect(encodeWatch({ prefix: '/a/', exclude: 'delete' }, undefined)).toMatchObject({
      start_revision: '0',
      fragment: true,
      progress_notify: true,
      filters: ['Nodelete'],
    });
  });

  it('F-114: end a prefix where the next key begins, and a from-key nowhere', () => {
    expect(encodeRange({ prefix: '/a/' }).range_end).toEqual(Buffer.from('/a0'));
    expect(encodeRange({ fromKey: '/a' }).range_end).toEqual(Buffer.from([0]));
    expect(encodeRange({ key: '/a' })).not.toHaveProperty('range_end');
  });

  it('say each comparison by its own field', () => {
    const targets = (['version', 'create', 'mod'] as const).map((target) =>
      encodeTxn({ compares: [{ key: '/a', target, operator: '>', operand: 7n }] }).compare!.at(0),
    );
    expect(targets).toMatchObject([{ version: '7' }, { create_revision: '7' }, { mod_revision: '7' }]);
  });

  it('do not copy the bytes they are given', () => {
    const value = new Uint8Array([1, 2, 3]);
    const { success } = encodeTxn({ then: [{ put: { key: '/a', value } }] });
    expect(success![0]!.request_put!.value!.buffer).toBe(value.buffer);
  });
});

describe('answers of etcd', () => {
  it('become plain bytes and exact integers', () => {
    const decoded = decodeKeyValue(kv({ mod_revision: String(BIG), lease: '-5' }));
    expect(decoded.modRevision).toBe(BIG);
    expect(decoded.lease).toBe(-5n);
    expect(Buffer.isBuffer(decoded.value)).toBe(false);
    expect(decoded.value).toEqual(new Uint8Array([118]));
  });

  it('F-52: an event has a previous value only where etcd still had it', () => {
    const bare = { type: 'Delete', kv: kv(), prev_kv: null } as never;
    expect(decodeEvent(bare)).not.toHaveProperty('prevKv');
    expect(decodeEvent(bare).type).toBe('delete');
    expect(decodeEvent({ type: 'Put', kv: kv(), prev_kv: kv() }).prevKv?.modRevision).toBe(5n);
  });

  it('a nested transaction, whose header etcd leaves empty, has the revision of the outer one', () => {
    const inner = { header: null, succeeded: true, responses: [] };
    const none = { response_range: null, response_put: null, response_delete_range: null };
    const outer = {
      header: header('9'),
      succeeded: true,
      responses: [{ ...none, response_txn: inner }],
    } as unknown as ITxnResponse;
    expect(decodeTxn(outer)).toEqual({
      revision: 9n,
      succeeded: true,
      responses: [{ txn: { revision: 9n, succeeded: true, responses: [] } }],
    });
  });
});
