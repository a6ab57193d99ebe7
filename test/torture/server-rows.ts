import { createServer } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { type ErrorCode, isSetpointError, type SetpointError } from 'setpoint';
import type { Store } from 'setpoint/store';
import { auditCache, check, checkOrder, eventually, failure, within } from './checks.ts';
import { Ledger } from './ledger.ts';
import type { Row } from './row.ts';

const MIB = 1024 * 1024;

/** An etcd that runs but is busy, full, damaged, old or not the one that was meant. */
export const rows: readonly Row[] = [
  {
    id: 'F-15',
    title: 'etcd is defragmented under load: calls end at their deadline, and leases that were renewed live on',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const value = new Uint8Array(MIB);
      for (let number = 0; number < 40; number++) await store.put({ key: `/fill/${number % 3}`, value });
      const { id, ttlSeconds } = await store.leaseGrant({ ttlSeconds: 10 });
      const ledger = new Ledger(store, `${t.prefix}k/`);
      const stop = ledger.keepWriting(4, 300);
      const renewals = renewing(store, id, ttlSeconds);
      await wait(t.between(0, 100));
      await server.etcdctl(['defrag', '--command-timeout=60s']);
      await stop();
      const longestMs = await renewals.stop();
      check(longestMs < 3000, `a renewal with 1000 ms took ${Math.round(longestMs)} ms`);
      await ledger.verify();
    },
  },
  {
    id: 'F-16',
    title: 'the space quota is used up: a put is unknown with the remedy, deletes work, and the remedy does',
    async cycle(t) {
      const server = await t.etcd({ flags: [`--quota-backend-bytes=${8 * MIB}`] });
      const proxy = await t.frameProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const value = new Uint8Array(t.between(300_000, 1_000_000));
      let error: SetpointError | undefined;
      for (let number = 0; number < 60 && !error; number++) {
        error = await store.put({ key: `/fill/${number}`, value }).then(
          () => undefined,
          (reason: SetpointError) => reason,
        );
      }
      check(error?.code === 'OutcomeUnknown', `a put over the quota: ${error?.message ?? 'acknowledged'}`);
      check(isSetpointError(error.cause, 'NoSpace'), `its cause is ${String(error.cause)}`);
      check(/NOSPACE.*compact.*--quota-backend-bytes/.test(error.message), `no remedy is named: ${error.message}`);
      const puts = proxy.calls('/etcdserverpb.KV/Put');
      await failure(store.put({ key: '/x', value }), ['OutcomeUnknown'], 'a put without space');
      check(proxy.calls('/etcdserverpb.KV/Put') === puts + 1, 'R1: a refused put was sent again');
      check(
        (await store.status()).some(({ errors }) => errors.join().includes('NOSPACE')),
        'the status does not say it',
      );
      const { revision, deleted } = await store.delete({ prefix: '/fill/' });
      check(deleted > 0n, 'nothing was deleted');
      await store.compact(revision);
      await server.etcdctl(['defrag']);
      for (const alarm of await store.alarms()) await store.disarm(alarm);
      await store.put({ key: '/after', value });
    },
  },
  {
    id: 'F-17',
    title: 'etcd raises the alarm of corrupt data: writes are refused and not repeated, and the alarm can be read',
    async cycle(t) {
      const server = await t.etcd();
      const proxy = await t.frameProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      await store.put({ key: '/x', value: '' });
      const [{ memberId } = { memberId: '0' }] = await store.status();
      const client = new Etcd3({ hosts: server.endpoints[0]! });
      t.defer(() => client.close());
      await client.maintenance.alarm({ action: 'Activate', memberID: memberId, alarm: 'Corrupt' });
      const puts = proxy.calls('/etcdserverpb.KV/Put');
      const error = await failure(store.put({ key: '/y', value: '' }, { timeoutMs: 1000 }), ['Unavailable'], 'a put');
      check(/corrupt/i.test(error.message), `the message does not say why: ${error.message}`);
      check(proxy.calls('/etcdserverpb.KV/Put') - puts === 1, 'a refused put was sent again');
      check(
        (await store.alarms()).some(({ alarm }) => alarm === 'CORRUPT'),
        'the alarm is not told',
      );
      await store.disarm({ memberId, alarm: 'CORRUPT' });
      const { kvs } = await store.range({ prefix: '/' });
      check(kvs.length === 1, 'a put that was refused is there');
      await store.put({ key: '/z', value: '' });
    },
  },
  {
    id: 'F-18',
    title: 'history is compacted all the time, over broken connections: caches come back each time and lists stay few',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const direct = t.store(server.endpoints);
      const informer = t.informer(t.store(proxy.endpoint), t.prefix);
      let lists = 0;
      informer.on('relist', () => lists++);
      await informer.whenSynced();
      const ledger = new Ledger(direct, `${t.prefix}k/`);
      const stop = ledger.keepWriting(2);
      const rounds = 6;
      for (let round = 0; round < rounds; round++) {
        await wait(t.between(20, 150));
        if (t.random.next() < 0.5) proxy.cut();
        const { revision } = await direct.put({ key: `${t.prefix}round`, value: `${round}` });
        // Two cycles on one server may both compact; the later revision wins.
        await direct.compact(revision).catch((error: unknown) => {
          if (!isSetpointError(error, 'Compacted')) throw error;
        });
      }
      await stop();
      await auditCache(informer, direct);
      check(lists <= rounds + 1, `R1: ${lists} lists for ${rounds} compactions`);
      await ledger.verify();
    },
  },
  {
    id: 'F-19',
    title: 'an etcd before 3.4 is refused by name, and what is there is told with its version',
    async cycle(t) {
      const old = await oldEtcd(t.pick(['3.3.27', '3.2.32', '2.3.8']));
      t.defer(() => old.dispose());
      const store = t.store(old.endpoint);
      const error = await failure(store.range({ key: '/x' }, { timeoutMs: 3000 }), ['Unsupported'], 'a read');
      check(error.message.includes(old.version) && error.message.includes('3.4'), `it says: ${error.message}`);
      const server = await t.sharedEtcd();
      const [status] = await t.store(server.endpoints).status();
      check(status?.version === server.version, `status tells version ${status?.version}`);
    },
  },
  {
    id: 'F-20',
    title: 'another cluster answers at the address: nothing of it is taken in, and calls and watches say so',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const other = await t.shared('other', (tools) => tools.etcd());
      const proxy = await t.tcpProxy(server.endpoints[0]!);
      const store = t.store(proxy.endpoint);
      const stranger = t.store(other.endpoints);
      const key = `${t.prefix}x`;
      const { revision } = await store.put({ key, value: 'own' });
      await stranger.put({ key, value: 'other' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      await watch.until(() => watch.events.length === 1);
      proxy.retarget(other.endpoints[0]!);
      proxy.cut();
      await stranger.put({ key: `${t.prefix}y`, value: 'other' });
      const over = await within(watch.over, 10_000, 'the watch ends');
      check(isSetpointError(over, 'ClusterMismatch'), `the watch ended with ${String(over)}`);
      check(watch.events.length === 1, 'an event of another cluster was delivered');
      await failure(store.put({ key, value: 'mixed' }), ['ClusterMismatch'], 'a put');
      await failure(store.range({ key }), ['ClusterMismatch'], 'a read');
      const { kvs } = await stranger.range({ key });
      check(kvs[0]?.version === BigInt(1), 'the other cluster was written to');
      await stranger.delete({ prefix: t.prefix });
    },
  },
  {
    id: 'F-21',
    title: 'one endpoint of three is of another cluster: it is left out, whichever answers first, and nothing is mixed',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const other = await t.shared('other', (tools) => tools.etcd());
      const one = await t.tcpProxy(server.endpoints[0]!);
      const two = await t.tcpProxy(server.endpoints[0]!);
      const stranger = other.endpoints[0]!;
      const store = t.store([one.endpoint, stranger, two.endpoint], { random: { next: () => 0, uuid: () => '' } });
      const { revision } = await store.put({ key: `${t.prefix}start`, value: '' });
      const watch = t.watch(store, { prefix: t.prefix, startRevision: revision });
      const ledger = new Ledger(store, `${t.prefix}k/`);
      for (let round = 0; round < 4; round++) {
        await ledger.burst(5, 2, 10_000);
        // What answers next is the stranger, who must be passed over.
        (round % 2 === 0 ? one : two).refuse();
        await ledger.burst(5, 2, 10_000);
        one.release();
        two.release();
      }
      await ledger.verify();
      const { revision: last } = await store.put({ key: `${t.prefix}last`, value: '' });
      await eventually(() => watch.events.at(-1)?.kv.modRevision === last, 'the last event');
      checkOrder(watch.events);
      const theirs = await t.store(stranger).range({ prefix: t.prefix });
      check(theirs.kvs.length === 0, 'the other cluster was written to');
      check(
        t.log.lines.some(({ fields }) => 'code' in fields && fields.code === 'ClusterMismatch'),
        'no log line names the endpoint of another cluster',
      );
    },
  },
];

const RENEWAL_ENDS: readonly ErrorCode[] = ['DeadlineExceeded', 'Unavailable', 'LeaseNotFound'];

/** Renews a lease all the time; `stop` says how long a renewal took at most, or fails when a lease was lost too early. */
function renewing(store: Store, id: bigint, ttlSeconds: number): { stop(): Promise<number> } {
  let [going, longestMs, renewedAt] = [true, 0, performance.now()];
  const renew = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      await store.leaseKeepAlive(id, { timeoutMs: 1000 });
      renewedAt = askedAt;
    } catch (error) {
      const ageMs = performance.now() - renewedAt;
      // On a machine that is busy, or frozen by the defragmentation, none may get through for so long.
      const lost = isSetpointError(error, 'LeaseNotFound') && ageMs < ttlSeconds * 1000;
      const allowed = RENEWAL_ENDS.some((code) => isSetpointError(error, code));
      check(allowed && !lost, `${Math.round(ageMs)} ms after a renewal: ${String(error)}`);
    }
    longestMs = Math.max(longestMs, performance.now() - askedAt);
  };
  const loop = async (): Promise<void> => {
    while (going) {
      await renew();
      await wait(50);
    }
  };
  const done = loop();
  done.catch(() => {});
  return {
    async stop() {
      going = false;
      await done;
      return longestMs;
    },
  };
}

/** Answers the one question that a client asks first, as an etcd of that version would. */
async function oldEtcd(version: string): Promise<{ version: string; endpoint: string; dispose(): Promise<void> }> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.resume();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    // Header with a cluster id of 1, then the version.
    const message = Buffer.concat([Buffer.from([0x0a, 2, 0x08, 1, 0x12, version.length]), Buffer.from(version)]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat([prefix, message]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    version,
    endpoint: `http://127.0.0.1:${port}`,
    async dispose() {
      const closed = new Promise((resolve) => server.close(resolve));
      sessions.forEach((session) => session.destroy());
      await closed;
    },
  };
}
