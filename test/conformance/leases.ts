import { expect, it } from 'vitest';
import type { Operation } from 'setpoint/store';
import { briefly, expectCode, freshPrefix, type OpenStore, revisionOf, text, watching } from './fixture.ts';
import { topic } from './topic.ts';

export function describeLeases(open: OpenStore): void {
  topic('leases', open, (t) => {
    it('a lease has an id of its own, its TTL and a place in the list', async () => {
      const { id, ttlSeconds } = await t.store.leaseGrant({ ttlSeconds: 60 });
      expect(id).toBeGreaterThan(0n);
      expect(ttlSeconds).toBe(60);
      expect(await t.store.leases()).toContain(id);
      await t.store.leaseRevoke(id);
      expect(await t.store.leases()).not.toContain(id);
    });

    it('an id may be chosen, and only once at a time', async () => {
      const id = BigInt(Date.now()) * 1000n + 7n;
      expect((await t.store.leaseGrant({ ttlSeconds: 60, id })).id).toBe(id);
      await expectCode(t.store.leaseGrant({ ttlSeconds: 60, id }), 'LeaseExists');
      await t.store.leaseRevoke(id);
      expect((await t.store.leaseGrant({ ttlSeconds: 60, id })).id).toBe(id);
      await t.store.leaseRevoke(id);
    });

    it('I-145: a TTL below the minimum is raised and the answer says so', async () => {
      const { id, ttlSeconds } = await t.store.leaseGrant({ ttlSeconds: 1 });
      expect(ttlSeconds).toBe(2);
      await t.store.leaseRevoke(id);
    });

    it('a TTL must be a whole number of seconds from 1 to 9,000,000,000', async () => {
      for (const ttlSeconds of [0, -1, 1.5, Number.NaN, 9_000_000_001]) {
        await expectCode(t.store.leaseGrant({ ttlSeconds }), 'Invalid');
      }
    });

    it('an id beyond 64 bits, or none at all, is refused before anything is asked', async () => {
      for (const id of [2n ** 63n, 2n ** 64n + 5n, -1n, undefined as unknown as bigint, 7 as unknown as bigint]) {
        await expectCode(t.store.leaseKeepAlive(id), 'Invalid');
        await expectCode(t.store.leaseRevoke(id), 'Invalid');
        await expectCode(t.store.leaseTimeToLive(id), 'Invalid');
      }
    });

    it('granting, renewing and revoking a lease without keys moves no revision', async () => {
      const base = await revisionOf(t.store);
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      await t.store.leaseKeepAlive(id);
      await t.store.leaseRevoke(id);
      expect(await revisionOf(t.store)).toBe(base);
    });

    it('keys say which lease they hang on, and time-to-live says which keys', async () => {
      const prefix = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      await t.store.put({ key: `${prefix}b`, value: '', lease: id });
      await t.store.put({ key: `${prefix}a`, value: '', lease: id });
      expect((await t.store.range({ prefix })).kvs.map((kv) => kv.lease)).toEqual([id, id]);
      const left = await t.store.leaseTimeToLive(id, { keys: true });
      expect(left).toMatchObject({ id, grantedTtlSeconds: 60 });
      expect(left.ttlSeconds).toBeLessThanOrEqual(60);
      expect(left.ttlSeconds).toBeGreaterThan(50);
      expect(left.keys.map(text).toSorted()).toEqual([`${prefix}a`, `${prefix}b`]);
      expect((await t.store.leaseTimeToLive(id)).keys).toEqual([]);
      await t.store.leaseRevoke(id);
    });

    it('revoking deletes the keys in key order, in one revision', async () => {
      const prefix = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      for (const name of ['c', 'a', 'b']) await t.store.put({ key: prefix + name, value: '', lease: id });
      const base = await revisionOf(t.store);
      const watch = watching(t.store, { prefix, startRevision: base + 1n });
      await t.store.leaseRevoke(id);
      const events = await watch.atLeast(3);
      expect(
        events.map((event) => [event.type, text(event.kv.key).slice(prefix.length), event.kv.modRevision]),
      ).toEqual([
        ['delete', 'a', base + 1n],
        ['delete', 'b', base + 1n],
        ['delete', 'c', base + 1n],
      ]);
      expect(await revisionOf(t.store)).toBe(base + 1n);
      await watch.stop();
    });

    it('a put moves a key to its lease, or away from any', async () => {
      const prefix = freshPrefix();
      const [first, second] = [
        await t.store.leaseGrant({ ttlSeconds: 60 }),
        await t.store.leaseGrant({ ttlSeconds: 60 }),
      ];
      for (const name of ['stays', 'moves', 'leaves', 'dies']) {
        await t.store.put({ key: prefix + name, value: '', lease: first.id });
      }
      await t.store.put({ key: `${prefix}moves`, value: '', lease: second.id });
      await t.store.put({ key: `${prefix}leaves`, value: '' });
      await t.store.delete({ key: `${prefix}dies` });
      await t.store.put({ key: `${prefix}dies`, value: '' });
      await t.store.leaseRevoke(first.id);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['dies=', 'leaves=', 'moves=']);
      await t.store.leaseRevoke(second.id);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['dies=', 'leaves=']);
    });

    it('a put that keeps the lease leaves its key where it hangs, and needs a key', async () => {
      const prefix = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      for (const name of ['leased', 'nested']) await t.store.put({ key: prefix + name, value: '0', lease: id });
      await t.store.put({ key: `${prefix}free`, value: '0' });
      for (const name of ['leased', 'free']) await t.store.put({ key: prefix + name, value: '1', keepLease: true });
      const nested: Operation = { put: { key: `${prefix}nested`, value: '1', keepLease: true } };
      await t.store.txn({ then: [{ txn: { then: [nested] } }] });
      const { kvs } = await t.store.range({ prefix });
      expect(kvs.map(({ lease, version }) => [lease, version])).toEqual([
        [0n, 2n],
        [id, 2n],
        [id, 2n],
      ]);
      const missing = { key: `${prefix}missing`, value: '1', keepLease: true };
      const other: Operation = { put: { key: `${prefix}free`, value: '2' } };
      const base = await revisionOf(t.store);
      await expectCode(t.store.put(missing), 'NotFound');
      await expectCode(t.store.put({ ...missing, key: new Uint8Array([0xfe, 0xff]) }), 'NotFound');
      await expectCode(t.store.txn({ then: [other, { txn: { then: [{ put: missing }] } }] }), 'NotFound');
      expect(await revisionOf(t.store)).toBe(base);
      const untaken = { key: missing.key, target: 'mod', operator: '>', operand: 0n } as const;
      expect((await t.store.txn({ compares: [untaken], then: [{ put: missing }] })).succeeded).toBe(false);
      await expectCode(t.store.put({ ...other.put, lease: id, keepLease: true }), 'Invalid');
      await t.store.leaseRevoke(id);
      expect(briefly((await t.store.range({ prefix })).kvs, prefix)).toEqual(['free=1']);
    });

    it('a put in a transaction attaches too', async () => {
      const key = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      await t.store.txn({ then: [{ put: { key, value: '', lease: id } }] });
      const { succeeded } = await t.store.txn({ compares: [{ key, target: 'lease', operator: '=', operand: id }] });
      expect(succeeded).toBe(true);
      await t.store.leaseRevoke(id);
      expect((await t.store.range({ key })).count).toBe(0n);
    });

    it('what is gone is LeaseNotFound', async () => {
      const key = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 60 });
      await t.store.leaseRevoke(id);
      await expectCode(t.store.put({ key, value: '', lease: id }), 'LeaseNotFound');
      await expectCode(t.store.leaseRevoke(id), 'LeaseNotFound');
      await expectCode(t.store.leaseKeepAlive(id), 'LeaseNotFound');
      await expectCode(t.store.leaseTimeToLive(id), 'LeaseNotFound');
      expect((await t.store.range({ key })).count).toBe(0n);
    });

    it('a lease lives at least its TTL, and when it ends its keys go in one revision of its own', async () => {
      const prefix = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 2 });
      for (const name of ['a', 'b']) await t.store.put({ key: prefix + name, value: '', lease: id });
      const watch = watching(t.store, { prefix, startRevision: (await revisionOf(t.store)) + 1n });
      await t.under.elapse(1500);
      expect((await t.store.range({ prefix })).count).toBe(2n);
      await t.under.elapse(3000);
      const events = await watch.atLeast(2);
      expect(events.map((event) => event.type)).toEqual(['delete', 'delete']);
      expect(events[0]!.kv.modRevision).toBe(events[1]!.kv.modRevision);
      await expectCode(t.store.leaseKeepAlive(id), 'LeaseNotFound');
      await watch.stop();
    });

    it('a renewal starts the time anew', async () => {
      const key = freshPrefix();
      const { id } = await t.store.leaseGrant({ ttlSeconds: 2 });
      await t.store.put({ key, value: '', lease: id });
      for (let i = 0; i < 4; i++) {
        await t.under.elapse(1000);
        expect(await t.store.leaseKeepAlive(id)).toEqual({ ttlSeconds: 2 });
      }
      expect((await t.store.range({ key })).count).toBe(1n);
      await t.store.leaseRevoke(id);
    });
  });
}
