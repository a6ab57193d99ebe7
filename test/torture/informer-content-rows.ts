import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError } from 'setpoint';
import { createInformer } from 'setpoint/informer';
import { defineResource, jsonCodec, resourceCodec, textCodec } from 'setpoint/resource';
import type { Operation, Store } from 'setpoint/store';
import { z } from 'zod';
import { auditCache, check, eventually } from './checks.ts';
import { goodValue, type Poison, poison } from './poison.ts';
import type { Row } from './row.ts';

const Widget = defineResource({
  group: 'torture.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  spec: z.object({ size: z.int() }),
});

const POISONS = 500;

async function putAll(store: Store, all: readonly Pick<Poison, 'key' | 'value'>[]): Promise<void> {
  for (let from = 0; from < all.length; from += 50) {
    const then = all.slice(from, from + 50).map(({ key, value }): Operation => ({ put: { key, value } }));
    await store.txn({ then }, { timeoutMs: 15_000 });
  }
}

/** What informers make of content, on a real server. */
export const rows: readonly Row[] = [
  {
    id: 'F-44',
    title: 'somebody wipes the prefix: the cache follows, handlers are held until they are released, and miss nothing',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const count = t.between(100, 120);
      const keys = Array.from({ length: count }, (_, at) => ({
        key: Buffer.from(`${t.prefix}${at}`),
        value: Buffer.from('x'),
      }));
      await putAll(store, keys);
      const informer = t.informer(store, t.prefix);
      const gone = new Set<string>();
      let found = 0;
      informer.on('mass-delete', ({ deleted }) => (found = deleted));
      informer.addEventHandler({ delete: (_, { key }) => void gone.add(key) });
      await informer.whenSynced();
      const { revision } = await store.delete({ prefix: t.prefix });
      await informer.waitFor(revision);
      await wait(20);
      check(informer.held && found === count, `held: ${informer.held}, and ${found} of ${count} were reported`);
      check(gone.size === 0, `${gone.size} deletions were told before anybody looked`);
      check(informer.lister.size === 0, `${informer.lister.size} keys are cached that are gone`);
      const back = await store.put({ key: `${t.prefix}0`, value: 'again' });
      await informer.waitFor(back.revision);
      informer.release();
      await eventually(
        () => gone.size === count,
        () => `${gone.size} of ${count} deletions are told after the release`,
      );
      await auditCache(informer, store);
    },
  },
  {
    id: 'F-53',
    title: 'a lease with thousands of keys ends: all go at one revision, as one step, told once each',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const { id: lease } = await store.leaseGrant({ ttlSeconds: 600 });
      const count = t.between(2000, 3000);
      for (let from = 0; from < count; from += 100) {
        const names = Array.from({ length: Math.min(100, count - from) }, (_, at) => `${t.prefix}${from + at}`);
        await store.txn({ then: names.map((key) => ({ put: { key, value: 'x', lease } })) });
      }
      const informer = t.run(
        createInformer<string>({ store, prefix: t.prefix, codec: textCodec, massDelete: false, pageSize: 500 }),
      );
      const sizes = new Set<number>();
      const gone: string[] = [];
      informer.addEventHandler({
        delete(_, { key }) {
          sizes.add(informer.lister.size);
          gone.push(key);
        },
      });
      await informer.whenSynced();
      check(informer.lister.size === count, `${informer.lister.size} of ${count} keys are cached`);
      await store.leaseRevoke(lease, { timeoutMs: 15_000 }).catch((error: unknown) => {
        // An etcd that is busy with it may say that it doesn't know: what comes of it is looked at next.
        if (!isSetpointError(error, 'OutcomeUnknown')) throw error;
      });
      await eventually(
        () => gone.length >= count,
        () => `${gone.length} of ${count} deletions are told`,
      );
      check(
        new Set(gone).size === count && gone.length === count,
        `${gone.length} deletions were told of ${count} keys`,
      );
      check(sizes.size === 1 && sizes.has(0), `the cache was seen with ${[...sizes].join()} keys meanwhile`);
    },
  },
  {
    id: 'F-108',
    last: 'F-116',
    title: `${POISONS} poison values and names, listed and watched: each is isolated, the rest goes on, good writes heal (F-108 to F-116)`,
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const base = t.prefix.slice(0, -1);
      const prefix = `${base}/widgets/`;
      const all = Array.from({ length: POISONS }, (_, at) => poison(prefix, at + t.number * POISONS, t.random));
      const good = Array.from({ length: 20 }, (_, at) => ({
        key: Buffer.from(`${prefix}default/good${at}`),
        value: goodValue(`good${at}`),
      }));
      await putAll(store, [...all.slice(0, POISONS / 2), ...good.slice(0, 10)]);
      const kinds = t.run(createInformer({ store, prefix, codec: resourceCodec(Widget, base), massDelete: false }));
      const others = [
        t.run(createInformer<unknown>({ store, prefix, codec: jsonCodec, massDelete: false })),
        t.run(createInformer<unknown>({ store, prefix, codec: textCodec, massDelete: false })),
      ];
      await Promise.all([kinds, ...others].map((informer) => informer.whenSynced()));
      await putAll(store, [...all.slice(POISONS / 2), ...good.slice(10)]);
      const settled = async (): Promise<void> => {
        const { revision } = await store.put({ key: `${prefix}default/good0`, value: goodValue('good0') });
        await Promise.all([kinds, ...others].map((informer) => informer.waitFor(revision, { timeoutMs: 15_000 })));
      };
      await settled();
      const bad = new Set(kinds.quarantined.map(({ key }) => key));
      check(bad.size === POISONS, `${bad.size} of ${POISONS} poisons are in quarantine`);
      check(kinds.lister.size === good.length, `${kinds.lister.size} objects are taken for good, of ${good.length}`);
      for (const other of others) {
        const known = other.lister.size + other.quarantined.length;
        check(known === POISONS + good.length, `${known} keys are cached or isolated, of ${POISONS + good.length}`);
      }
      check(({} as { polluted?: boolean }).polluted === undefined, 'a prototype is polluted');
      const healed = all.filter(({ nameIsGood }, at) => nameIsGood && at % 2 === 0);
      await putAll(
        store,
        healed.map(({ key }) => ({
          key,
          value: goodValue(Buffer.from(key).toString().slice(`${prefix}default/`.length)),
        })),
      );
      const deleted = all.filter((each) => !healed.includes(each));
      for (let from = 0; from < deleted.length; from += 100) {
        await store.txn({ then: deleted.slice(from, from + 100).map(({ key }) => ({ delete: { key } })) });
      }
      await settled();
      check(kinds.quarantined.length === 0, () => `still in quarantine: ${JSON.stringify(kinds.quarantined[0]?.key)}`);
      check(kinds.lister.size === good.length + healed.length, `${kinds.lister.size} objects are good`);
    },
  },
];
