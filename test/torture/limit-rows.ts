import { keyText, listPages, type Store } from 'setpoint/store';
import { auditCache, check, checkSame, failure, within } from './checks.ts';
import type { Cycle } from './cycle.ts';
import type { Row } from './row.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const REQUEST_MAX = 1.5 * MIB;

/** Requests and answers that are larger than something takes. */
export const rows: readonly Row[] = [
  {
    id: 'F-62',
    title: 'a value is larger than a request may be: refused with size, limit and key, and nothing is sent',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.frameProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const key = `${t.prefix}large`;
      const secret = 'canary-5a1d';
      await store.put({ key, value: new Uint8Array(REQUEST_MAX - 2 * KIB) });
      const calls = proxy.calls();
      const size = REQUEST_MAX + t.between(1, MIB);
      const value = secret.repeat(size / secret.length + 1);
      for (const write of [
        () => store.put({ key, value }),
        () => store.txn({ then: [{ put: { key, value } }] }),
        () => store.txn({ then: [{ txn: { then: [{ put: { key, value } }] } }] }),
      ]) {
        const error = await failure(write(), ['TooLarge'], 'a put that is too large');
        check(error.message.includes(key), `no key: ${error.message}`);
        check(/1572864|1\.5 MiB/.test(error.message), `no limit: ${error.message}`);
        check(!JSON.stringify([error.message, error.details]).includes(secret), 'the message has the value');
      }
      check(proxy.calls() === calls, 'something was sent');
      check((await store.range({ key })).kvs[0]?.version === 1n, 'the key has changed');
      await store.delete({ key });
    },
  },
  {
    id: 'F-63',
    title: 'a transaction has more than 128 operations: refused whole, and 128 are applied whole',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.frameProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const puts = (count: number) =>
        Array.from({ length: count }, (_, i) => ({ put: { key: `${t.prefix}${i}`, value: '' } }));
      await store.range({ key: t.prefix });
      const calls = proxy.calls();
      await failure(store.txn({ then: puts(129 + t.between(0, 300)) }), ['TooManyOperations'], 'a txn');
      await failure(store.txn({ else: puts(129) }), ['TooManyOperations'], 'a txn');
      check(proxy.calls() === calls, 'something was sent');
      const { revision } = await store.txn({ then: puts(128) });
      const { kvs } = await store.range({ prefix: t.prefix });
      check(kvs.length === 128 && kvs.every((kv) => kv.modRevision === revision), `${kvs.length} of 128 are there`);
    },
  },
  {
    id: 'F-64',
    title: '60 × 100 KiB and 100 × 1 MiB below one prefix, and one revision above 4 MiB: listed, watched and cached',
    cycle: manyLargeValues,
  },
  {
    id: 'F-66',
    title: 'revisions are above 2^53: exact in answers, compares, watches, lists and caches',
    // Revisions are only raised by the restore of 3.5; the conformance suite sends such numbers to 3.4 too.
    versions: ['3.5'],
    async cycle(t) {
      const server = await t.shared('beyond 2^53', async (tools) => {
        const made = await tools.etcd();
        await tools.store(made.endpoints).put({ key: '/before', value: '' });
        const restore = await made.snapshot();
        await made.kill();
        await restore({ bumpRevision: 2n ** 53n + 2n });
        await made.restart();
        return made;
      });
      const store = t.store(server.endpoints, { combineWrites: false });
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      const { revision } = await store.put({ key: `${t.prefix}a`, value: '1' });
      check(revision > 2n ** 53n, `the revision is ${revision}: the fault did not happen`);
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      for (let i = 0; i < t.between(2, 8); i++) {
        const [kv] = (await store.range({ key: `${t.prefix}a` })).kvs;
        const next = { put: { key: `${t.prefix}a`, value: `${i}` } };
        const equals = (operand: bigint) => [{ key: kv!.key, target: 'mod', operator: '=', operand } as const];
        const wrong = await store.txn({ compares: equals(kv!.modRevision + 1n), then: [next] });
        check(!wrong.succeeded, 'neighbouring revisions are taken for one another');
        const right = await store.txn({ compares: equals(kv!.modRevision), then: [next] });
        check(right.succeeded && right.revision === kv!.modRevision + 1n, 'a compare with its own revision failed');
        const then = await store.range({ key: kv!.key, revision: kv!.modRevision });
        check(then.kvs[0]?.modRevision === kv!.modRevision, 'an old revision reads as another');
      }
      const last = (await store.range({ key: `${t.prefix}a` })).kvs[0]!.modRevision;
      await watch.until(() => watch.events.at(-1)?.kv.modRevision === last);
      const expected = Array.from({ length: Number(last - revision) + 1 }, (_, i) => revision + BigInt(i));
      checkSame(
        watch.events.map(({ kv }) => kv.modRevision),
        expected,
        'revisions',
      );
      await informer.waitFor(last);
      check(informer.lister.entry('a')?.modRevision === last, 'the cache has another revision');
    },
  },
];

async function manyLargeValues(t: Cycle): Promise<void> {
  const server = await t.sharedEtcd();
  const store = t.store(server.endpoints, { combineWrites: false });
  const [count, size] = t.number % 4 === 3 ? [100, MIB] : [60, 100 * KIB];
  const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
  const { id } = await store.leaseGrant({ ttlSeconds: 600 });
  const keys = Array.from({ length: count }, (_, i) => `${t.prefix}v/${String(i).padStart(3, '0')}`);
  for (const [i, key] of keys.entries()) await store.put({ key, value: filled(size, i), lease: id });
  await checkList(store, `${t.prefix}v/`, { keys, size });
  const watch = t.watch(store, { prefix: `${t.prefix}v/`, startRevision: revision + 1n });
  await within(
    watch.until(() => watch.events.length === count),
    60_000,
    'all events',
  );
  check(
    watch.events.every(({ kv }, i) => kv.value.length === size && kv.value[0] === i),
    'a value is not what was put',
  );
  const informer = t.informer(store, `${t.prefix}v/`);
  await within(informer.whenSynced(), 60_000, 'the cache is filled');
  check(informer.lister.size === count, `the cache has ${informer.lister.size} of ${count} keys`);
  await revokeAll(t, store, { id, count, size });
  await auditCache(informer, store, 60_000);
  await store.compact((await store.range({ key: '/x' })).revision).catch(() => {});
}

/** The deletions of all, with what they delete, are one revision of several MiB. */
async function revokeAll(
  t: Cycle,
  store: Store,
  { id, count, size }: { readonly id: bigint; readonly count: number; readonly size: number },
): Promise<void> {
  const deletions = t.watch(store, { prefix: `${t.prefix}v/`, exclude: 'put', prevKv: true });
  await deletions.until(() => deletions.batches.length > 0);
  await store.leaseRevoke(id);
  await within(
    deletions.until(() => deletions.events.length > 0),
    60_000,
    'the deletions',
  );
  check(deletions.events.length === count, `${deletions.events.length} of ${count} deletions came together`);
  check(new Set(deletions.events.map(({ kv }) => kv.modRevision)).size === 1, 'they are of several revisions');
  check(
    deletions.events.every(({ prevKv }) => prevKv?.value.length === size),
    'what was deleted is not told',
  );
}

async function checkList(
  store: Store,
  prefix: string,
  { keys, size }: { readonly keys: readonly string[]; readonly size: number },
): Promise<void> {
  const listed: string[] = [];
  for await (const page of listPages(store, { prefix }, { timeoutMs: 30_000 })) {
    listed.push(...page.kvs.map((kv) => keyText(kv.key)));
    check(
      page.kvs.every((kv) => kv.value.length === size),
      'a value is cut',
    );
  }
  checkSame(listed, keys, 'keys in pages');
  const { kvs } = await store.range({ prefix }, { timeoutMs: 30_000 });
  checkSame(
    kvs.map((kv) => keyText(kv.key)),
    keys,
    'keys in one answer',
  );
}

function filled(size: number, byte: number): Uint8Array {
  return new Uint8Array(size).fill(byte);
}
