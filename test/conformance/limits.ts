import { isSetpointError } from 'setpoint';
import { MAX_REQUEST_BYTES, MAX_TXN_OPERATIONS, type Operation } from 'setpoint/store';
import { expect, it } from 'vitest';
import { expectCode, freshPrefix, type OpenStore, revisionOf } from './fixture.ts';
import { topic } from './topic.ts';

export function describeLimits(open: OpenStore): void {
  topic('limits', open, (t) => {
    it('F-62: a request past 1.5 MiB is refused with its size, the limit and the key, never the value', async () => {
      const key = freshPrefix();
      const base = await revisionOf(t.store);
      const error = await t.store
        .put({ key, value: 's'.repeat(MAX_REQUEST_BYTES + 1) })
        .catch((thrown: unknown) => thrown);
      if (!isSetpointError(error, 'TooLarge')) throw error;
      expect(error.details).toMatchObject({ key, limit: MAX_REQUEST_BYTES });
      expect(error.details.size).toBeGreaterThan(MAX_REQUEST_BYTES);
      expect(error.message).not.toContain('sss');
      expect(await revisionOf(t.store)).toBe(base);
    });

    it('I-133: a request just below 1.5 MiB is taken, alone and in a transaction', async () => {
      const key = freshPrefix();
      const value = new Uint8Array(MAX_REQUEST_BYTES - key.length - 200);
      await t.store.put({ key, value });
      await t.store.txn({ then: [{ put: { key, value } }] });
      const { kvs } = await t.store.range({ key });
      expect(kvs[0]!.value).toHaveLength(value.length);
      await t.store.delete({ key });
    });

    it('I-133: a list past 4 MiB arrives whole', async () => {
      const prefix = freshPrefix();
      for (let i = 0; i < 5; i++) await t.store.put({ key: `${prefix}${i}`, value: new Uint8Array(1_000_000) });
      const { kvs } = await t.store.range({ prefix });
      expect(kvs.reduce((sum, kv) => sum + kv.value.length, 0)).toBe(5_000_000);
      await t.store.delete({ prefix });
    });

    const puts = (count: number, prefix: string, name = ''): Operation[] =>
      Array.from({ length: count }, (_, i) => ({ put: { key: `${prefix}${name}${i}`, value: '' } }));

    it('F-63: 128 operations pass and 129 are refused, in either branch and among the compares', async () => {
      const prefix = freshPrefix();
      await t.store.txn({ then: puts(MAX_TXN_OPERATIONS, prefix) });
      await expectCode(t.store.txn({ then: puts(MAX_TXN_OPERATIONS + 1, prefix) }), 'TooManyOperations');
      await expectCode(t.store.txn({ else: puts(MAX_TXN_OPERATIONS + 1, prefix) }), 'TooManyOperations');
      const compare = { key: prefix, target: 'mod', operator: '=', operand: 0n } as const;
      await t.store.txn({ compares: Array.from({ length: 128 }, () => compare), then: puts(128, prefix) });
      await expectCode(t.store.txn({ compares: Array.from({ length: 129 }, () => compare) }), 'TooManyOperations');
    });

    it('F-63: nested operations count along each path', async () => {
      const prefix = freshPrefix();
      const members = (count: number, size: number): Operation[] =>
        Array.from({ length: count }, (_, i) => ({ txn: { then: puts(size, prefix, `${i}-`) } }));
      await t.store.txn({ then: members(64, 64) });
      expect((await t.store.range({ prefix, countOnly: true })).count).toBe(4096n);
      await expectCode(t.store.txn({ then: members(64, 65) }), 'TooManyOperations');
      await expectCode(t.store.txn({ then: members(65, 64) }), 'TooManyOperations');
      await t.store.delete({ prefix });
    });
  });
}
