import type { Compare, Operation, TxnResponse } from 'setpoint/store';
import { expect, it } from 'vitest';
import { brief, briefly, expectCode, freshPrefix, type OpenStore, revisionOf } from './fixture.ts';
import { topic } from './topic.ts';

type Condition = Pick<Compare, 'target' | 'operator' | 'operand'>;

export function describeTransactions(open: OpenStore): void {
  topic('transactions: compares', open, (t) => {
    const holds = async (selector: object, condition: object): Promise<boolean> =>
      (await t.store.txn({ compares: [{ ...selector, ...condition } as Compare] })).succeeded;

    const operators = async (selector: object, target: Condition['target'], operand: unknown): Promise<string> => {
      let held = '';
      for (const operator of ['=', '!=', '<', '>'])
        if (await holds(selector, { target, operator, operand })) held += ` ${operator}`;
      return held.trim();
    };

    it('compares every target with every operator', async () => {
      const key = freshPrefix();
      const { revision } = await t.store.put({ key, value: 'm' });
      await t.store.put({ key, value: 'm' });
      expect(await operators({ key }, 'version', 2n)).toBe('=');
      expect(await operators({ key }, 'version', 1n)).toBe('!= >');
      expect(await operators({ key }, 'version', 3n)).toBe('!= <');
      expect(await operators({ key }, 'create', revision)).toBe('=');
      expect(await operators({ key }, 'mod', revision)).toBe('!= >');
      expect(await operators({ key }, 'lease', 0n)).toBe('=');
      expect(await operators({ key }, 'lease', -1n)).toBe('!= >');
      expect(await operators({ key }, 'value', 'm')).toBe('=');
      expect(await operators({ key }, 'value', 'lzzz')).toBe('!= >');
      expect(await operators({ key }, 'value', Uint8Array.of(0x6d, 0))).toBe('!= <');
    });

    it('a missing key counts as zero everywhere, and no compare of its value holds', async () => {
      const key = freshPrefix();
      for (const target of ['version', 'create', 'mod', 'lease'] as const) {
        expect(await operators({ key }, target, 0n), target).toBe('=');
        expect(await operators({ key }, target, 1n), target).toBe('!= <');
      }
      expect(await operators({ key }, 'value', '')).toBe('');
      expect(await operators({ key }, 'value', 'x')).toBe('');
    });

    it('over a range a compare must hold for each key', async () => {
      const prefix = freshPrefix();
      const { revision } = await t.store.put({ key: `${prefix}a`, value: 'x' });
      await t.store.put({ key: `${prefix}b`, value: 'x' });
      expect(await operators({ prefix }, 'value', 'x')).toBe('=');
      expect(await operators({ prefix }, 'create', revision)).toBe('');
      expect(await operators({ prefix }, 'create', revision - 1n)).toBe('!= >');
      expect(await operators({ key: `${prefix}a`, end: `${prefix}b` }, 'create', revision)).toBe('=');
    });

    it('an empty range compares as a missing key does', async () => {
      const prefix = freshPrefix();
      expect(await operators({ prefix }, 'mod', 0n)).toBe('=');
      expect(await operators({ prefix }, 'mod', 5n)).toBe('!= <');
      expect(await operators({ prefix }, 'value', '')).toBe('');
    });

    it('all compares must hold, and none at all is enough', async () => {
      const key = freshPrefix();
      const missing = { key, target: 'version', operator: '=', operand: 0n } as const;
      expect((await t.store.txn({})).succeeded).toBe(true);
      expect((await t.store.txn({ compares: [missing, missing] })).succeeded).toBe(true);
      expect((await t.store.txn({ compares: [missing, { ...missing, operand: 1n }] })).succeeded).toBe(false);
    });
  });

  topic('transactions: operations', open, (t) => {
    it('runs then or else, and answers one for one in kind', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const absent = { key: `${prefix}a`, target: 'version', operator: '=', operand: 0n } as const;
      const then: Operation[] = [{ put: { key: `${prefix}a`, value: '1' } }, { range: { prefix } }];
      const request = { compares: [absent], then, else: [{ range: { prefix } }] };
      const first = await t.store.txn(request);
      expect(first).toMatchObject({ succeeded: true, revision: base + 1n });
      expect(first.responses.map((response) => Object.keys(response)[0])).toEqual(['put', 'range']);
      const second = await t.store.txn(request);
      expect(second).toMatchObject({ succeeded: false, revision: base + 1n });
      expect(second.responses.map((response) => Object.keys(response)[0])).toEqual(['range']);
    });

    it('reads see what the transaction has written so far, and every answer names its revision', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      await t.store.put({ key: `${prefix}old`, value: 'o' });
      const { responses, revision } = await t.store.txn({
        then: [
          { range: { prefix } },
          { put: { key: `${prefix}a`, value: '1' } },
          { range: { prefix } },
          { delete: { key: `${prefix}old`, prevKv: true } },
          { range: { prefix } },
        ],
      });
      expect(revision).toBe(base + 2n);
      const seen = responses.flatMap((response) => ('range' in response ? [briefly(response.range.kvs, prefix)] : []));
      expect(seen).toEqual([['old=o'], ['a=1', 'old=o'], ['a=1']]);
      const revisions = responses.map((response) => Object.values(response)[0]!.revision - base);
      expect(revisions).toEqual([1n, 2n, 2n, 2n, 2n]);
    });

    it('F-49: all its writes share one revision, also a put and the delete around it', async () => {
      const prefix = freshPrefix();
      const puts = Array.from({ length: 128 }, (_, i): Operation => ({ put: { key: `${prefix}${i}`, value: '' } }));
      const { revision } = await t.store.txn({ then: puts });
      const { kvs } = await t.store.range({ prefix });
      expect(kvs).toHaveLength(128);
      expect(new Set(kvs.flatMap((kv) => [kv.createRevision, kv.modRevision]))).toEqual(new Set([revision]));
    });

    it('a transaction that changes nothing moves nothing', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const { revision } = await t.store.txn({ then: [{ range: { prefix } }, { delete: { prefix } }] });
      expect(revision).toBe(base);
    });

    it('prevKv is what the transaction found, step by step', async () => {
      const prefix = freshPrefix();
      await t.store.put({ key: `${prefix}a`, value: '0' });
      const { responses } = await t.store.txn({
        then: [
          { txn: { then: [{ put: { key: `${prefix}a`, value: '1', prevKv: true } }] } },
          { txn: { then: [{ delete: { prefix, prevKv: true } }] } },
        ],
      });
      const nested = responses.map((response) => (response as { txn: TxnResponse }).txn.responses[0]!);
      expect('put' in nested[0]! && brief(nested[0].put.prevKv!, prefix)).toBe('a=0');
      expect('delete' in nested[1]! && briefly(nested[1].delete.prevKvs, prefix)).toEqual(['a=1']);
      expect((await t.store.range({ prefix })).count).toBe(0n);
    });

    it('all nested compares are decided before any write of the call', async () => {
      const prefix = freshPrefix();
      const putUnless = (name: string, other: string): Operation => ({
        txn: {
          compares: [{ key: prefix + other, target: 'version', operator: '=', operand: 0n }],
          then: [{ put: { key: prefix + name, value: name } }],
        },
      });
      const { responses } = await t.store.txn({ then: [putUnless('x', 'y'), putUnless('y', 'x')] });
      expect(responses.map((response) => 'txn' in response && response.txn.succeeded)).toEqual([true, true]);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['x=x', 'y=y']);
    });

    it('nested transactions answer each for itself, at the revision of the call', async () => {
      const prefix = freshPrefix();
      const base = await revisionOf(t.store);
      const inner = { compares: [{ key: `${prefix}no`, target: 'mod', operator: '>', operand: 0n }] } as const;
      const { revision, responses } = await t.store.txn({
        then: [
          { txn: { ...inner, then: [{ put: { key: `${prefix}a`, value: '' } }], else: [{ range: { prefix } }] } },
          { txn: { then: [{ txn: { then: [{ put: { key: `${prefix}b`, value: '' } }] } }] } },
        ],
      });
      expect(revision).toBe(base + 1n);
      const [first, second] = responses.map((response) => (response as { txn: TxnResponse }).txn) as [
        TxnResponse,
        TxnResponse,
      ];
      expect(first).toMatchObject({ succeeded: false, revision });
      expect(first.responses[0]).toMatchObject({ range: { count: 0n } });
      expect(second).toMatchObject({ succeeded: true, revision });
      expect(second.responses[0]).toMatchObject({
        txn: { succeeded: true, revision, responses: [{ put: { revision } }] },
      });
    });

    it('an unknown lease, a future or a compacted read fails the whole call and writes nothing', async () => {
      const prefix = freshPrefix();
      const { revision: old } = await t.store.put({ key: `${prefix}a`, value: '0' });
      await t.store.put({ key: `${prefix}a`, value: '1' });
      const write: Operation = { put: { key: `${prefix}b`, value: '' } };
      const base = await revisionOf(t.store);
      await expectCode(
        t.store.txn({ then: [write, { put: { key: `${prefix}c`, value: '', lease: 77n } }] }),
        'LeaseNotFound',
      );
      await expectCode(t.store.txn({ then: [write, { range: { prefix, revision: base + 1n } }] }), 'FutureRevision');
      await t.store.compact(base);
      await expectCode(t.store.txn({ then: [write, { range: { prefix, revision: old } }] }), 'Compacted');
      await expectCode(
        t.store.txn({ then: [{ txn: { then: [write, { range: { prefix, revision: old } }] } }] }),
        'Compacted',
      );
      expect(await revisionOf(t.store)).toBe(base);
      const untaken = await t.store.txn({ then: [write], else: [{ range: { prefix, revision: old } }] });
      expect(untaken.succeeded).toBe(true);
    });

    it('a transaction may read the past while it writes', async () => {
      const prefix = freshPrefix();
      const { revision } = await t.store.put({ key: `${prefix}a`, value: '0' });
      const { responses } = await t.store.txn({
        then: [{ put: { key: `${prefix}a`, value: '1' } }, { range: { prefix, revision } }, { range: { prefix } }],
      });
      const seen = responses.flatMap((response) => ('range' in response ? briefly(response.range.kvs, prefix) : []));
      expect(seen).toEqual(['a=0', 'a=1']);
    });
  });

  topic('transactions: keys written twice', open, (t) => {
    const put = (key: string): Operation => ({ put: { key, value: '' } });
    const nested = (...then: Operation[]): Operation => ({ txn: { then } });

    it('a key may be written once on every path', async () => {
      const prefix = freshPrefix();
      const [a, b] = [`${prefix}a`, `${prefix}b`];
      const remove: Operation = { delete: { prefix } };
      const refused: Operation[][] = [
        [put(a), put(a)],
        [put(a), nested(put(a))],
        [nested(put(a)), nested(put(a))],
        [nested(nested(put(a))), put(a)],
        [put(a), { delete: { key: a } }],
        [remove, put(a)],
        [put(a), remove],
        [nested(remove), put(a)],
        [nested(remove), nested(put(a))],
        [remove, nested(put(a))],
        [put(a), { txn: { else: [put(a)] } }],
      ];
      for (const then of refused) await expectCode(t.store.txn({ then }), 'Invalid');
      await expectCode(t.store.txn({ else: [put(b), put(b)] }), 'Invalid');
      expect((await t.store.range({ prefix })).count).toBe(0n);
    });

    it('what etcd lets through is let through', async () => {
      const prefix = freshPrefix();
      const [a, b] = [`${prefix}a`, `${prefix}b`];
      const allowed: Operation[][] = [
        [put(a), put(b)],
        [{ txn: { then: [put(a)], else: [put(a)] } }],
        [nested(put(a)), nested({ delete: { prefix } })],
        [{ delete: { prefix } }, { delete: { key: a } }],
        [{ delete: { key: a, end: b } }, put(b)],
      ];
      for (const then of allowed) await t.store.txn({ then });
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['b=']);
    });

    it('a delete without an end is held against every put behind its start, since servers break on it', async () => {
      const key = freshPrefix();
      const remove: Operation = { delete: { fromKey: `${key}m` } };
      for (const name of ['m', 'n', '\u{10ffff}']) {
        await expectCode(t.store.txn({ then: [remove, put(key + name)] }), 'Invalid');
        await expectCode(t.store.txn({ then: [nested(remove), nested(put(key + name))] }), 'Invalid');
      }
      expect((await t.store.range({ prefix: key })).count).toBe(0n);
    });
  });
}
