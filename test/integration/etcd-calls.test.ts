import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError, type SetpointError, silentLogger } from 'setpoint';
import { systemRandom } from 'setpoint/internal';
import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { type Fate, type ProxiedCall, startFrameProxy } from '../harness/frame-proxy.ts';
import { freePorts } from '../harness/free-ports.ts';
import { testEtcd, testProxy, testStore } from '../harness/disposal.ts';

/** What a call failed with. */
async function failure(call: Promise<unknown>): Promise<SetpointError> {
  const error = await call.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  expect(isSetpointError(error), String(error)).toBe(true);
  return error as SetpointError;
}

describe.each(await availableEtcds())('calls to etcd %s', (version) => {
  it('F-25 F-58 I-135: a write whose reply is lost is OutcomeUnknown, and was applied exactly once', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const [store, direct] = [testStore({ endpoints: proxy.endpoint }), testStore({ endpoints: server.endpoints })];
    await store.put({ key: '/warm', value: '' });
    for (let round = 0; round < 30; round++) {
      // Stands again after the last cut.
      await store.range({ key: '/warm' });
      const key = `/lost/${round}`;
      proxy.hold('server');
      const write =
        round % 2 === 0
          ? store.put({ key, value: 'x' })
          : store.txn({
              compares: [{ key, target: 'create', operator: '=', operand: 0n }],
              then: [{ put: { key, value: 'x' } }],
            });
      const error = failure(write);
      while ((await direct.range({ key })).kvs.length === 0) await wait(2);
      proxy.cut();
      proxy.release();
      expect((await error).code).toBe('OutcomeUnknown');
      expect((await error).details).toMatchObject({ key, endpoint: proxy.endpoint });
    }
    const { kvs } = await store.range({ prefix: '/lost/' });
    expect(kvs.map((kv) => kv.version)).toEqual(Array.from({ length: 30 }, () => 1n));
  });

  it('F-59 F-60: a write that never arrived is OutcomeUnknown at its deadline, as the sender can not tell', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint });
    await store.put({ key: '/warm', value: '' });
    proxy.hold('client');
    const error = await failure(store.put({ key: '/never', value: 'x' }, { timeoutMs: 200 }));
    expect(error.code).toBe('OutcomeUnknown');
    expect(error.message).toContain('200 ms');
    expect((await failure(store.range({ key: '/never' }, { timeoutMs: 200 }))).code).toBe('DeadlineExceeded');
    proxy.cut();
    proxy.release();
    expect((await store.range({ key: '/never' })).kvs).toEqual([]);
  });

  it('a write that provably was not sent waits for etcd, and is Unavailable when none comes', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    await store.put({ key: '/warm', value: '' });
    await server.kill();
    // What was written before the client has noticed would be on its way into a dead socket.
    await failure(store.range({ key: '/w' }, { timeoutMs: 300 }));
    const error = await failure(store.put({ key: '/w', value: '1' }, { timeoutMs: 400 }));
    expect([error.code, error.retryable]).toEqual(['Unavailable', true]);
    const waiting = store.put({ key: '/w', value: '2' }, { timeoutMs: 20_000 });
    await server.restart();
    await waiting;
    expect((await store.range({ key: '/w' })).kvs.map((kv) => kv.version)).toEqual([1n]);
  });

  it('a read that is cut off is asked again within its time', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint });
    await store.put({ key: '/r', value: 'x' });
    proxy.hold('server');
    const read = store.range({ key: '/r' });
    await wait(50);
    proxy.cut();
    proxy.release();
    expect((await read).count).toBe(1n);
  });

  it('F-5: while etcd is frozen calls end at their deadline, and nothing is applied twice when it thaws', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    await store.put({ key: '/f', value: '' });
    server.pause();
    const startedAt = performance.now();
    const [write, read] = await Promise.all([
      failure(store.put({ key: '/f', value: 'x' }, { timeoutMs: 300 })),
      failure(store.range({ key: '/f' }, { timeoutMs: 300 })),
    ]);
    expect([write.code, read.code]).toEqual(['OutcomeUnknown', 'DeadlineExceeded']);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    server.resume();
    const { kvs } = await store.range({ key: '/f' }, { timeoutMs: 10_000 });
    expect(kvs[0]!.version).toBeLessThanOrEqual(2n);
  });

  it('F-30: names every wrong endpoint with its own error, and what to run', async () => {
    const [first, second] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`);
    const store = testStore({ endpoints: [first!, second!] });
    const error = await failure(store.range({ key: '/x' }, { timeoutMs: 300 }));
    expect(error.code).toBe('Unavailable');
    expect(error.message).toContain(`${first} (connect ECONNREFUSED`);
    expect(error.message).toContain(`${second} (connect ECONNREFUSED`);
    expect(error.message).toMatch(/etcdctl --endpoints=\S+ endpoint health/);
    expect(error.message).not.toMatch(/\d{4}-\d\d-\d\dT/);
  });

  it('fails over from endpoints that do not answer or hang to one that does', async () => {
    const server = await testEtcd({ version });
    const hanging = await testProxy(server.endpoints[0]!);
    hanging.hold('both');
    const [port] = await freePorts(1);
    const endpoints = [`http://127.0.0.1:${port}`, hanging.endpoint, server.endpoints[0]!];
    const store = testStore({ endpoints, dialTimeoutMs: 200 });
    await store.put({ key: '/x', value: '' });
    const answered = (await store.status()).map(({ endpoint }) => endpoint);
    expect(answered).toEqual([server.endpoints[0]]);
  });

  it('F-15: goes over to another endpoint when one takes calls and answers none, as while it is defragmented', async () => {
    const server = await testEtcd({ version });
    let stuck = false;
    // It still says who it is, and answers pings.
    const fate = ({ path }: ProxiedCall): Fate => ({ type: stuck && path.includes('.KV/') ? 'drop request' : 'pass' });
    await using first = await startFrameProxy(server.endpoints[0]!, { fate });
    const endpoints = [first.endpoint, server.endpoints[0]!];
    const store = testStore({
      endpoints,
      random: { ...systemRandom, next: () => 0 },
      dialTimeoutMs: 500,
      callTimeoutMs: 20_000,
    });
    await store.put({ key: '/x', value: '' });
    await expect.poll(async () => (await store.status()).length).toBe(2);
    stuck = true;
    // Whoever gives it less time than it may take to connect learns nothing of it.
    expect((await failure(store.range({ key: '/x' }, { timeoutMs: 50 }))).code).toBe('DeadlineExceeded');
    const lost = await failure(store.put({ key: '/x', value: '' }, { timeoutMs: 600 }));
    expect([lost.code, lost.details.endpoint]).toEqual(['OutcomeUnknown', first.endpoint]);
    for (let i = 0; i < 5; i++) await store.put({ key: '/x', value: `${i}` });
    expect((await store.range({ key: '/x' })).kvs[0]!.version).toBe(6n);
  });

  it('F-7: keeps every acknowledged write when the leader is killed, and goes on with the others', async () => {
    const server = await testEtcd({ version, members: 3 });
    const store = testStore({ endpoints: server.endpoints });
    const leader = (await store.status()).find(({ memberId, leaderId }) => memberId === leaderId)!;
    const acknowledged: string[] = [];
    let sawNewLeader = false;
    for (let number = 0; !sawNewLeader || number < 200; number++) {
      if (number === 100) await server.members.find(({ endpoint }) => endpoint === leader.endpoint)!.kill();
      const key = `/k/${String(number).padStart(6, '0')}`;
      const outcome = await store.put({ key, value: '' }, { timeoutMs: 1000 }).catch((error: unknown) => error);
      if (isSetpointError(outcome))
        expect(['OutcomeUnknown', 'Unavailable', 'DeadlineExceeded']).toContain(outcome.code);
      else acknowledged.push(key);
      if (number > 100 && !isSetpointError(outcome)) sawNewLeader = true;
    }
    const stored = new Set((await store.range({ prefix: '/k/' })).kvs.map((kv) => new TextDecoder().decode(kv.key)));
    expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
  });

  it('F-9: without a majority writes are refused as Unavailable, naming the lost leader, and stale reads still work', async () => {
    const server = await testEtcd({ version, members: 3 });
    const store = testStore({ endpoints: server.endpoints });
    await store.put({ key: '/x', value: 'kept' });
    await Promise.all([server.members[1]!.kill(), server.members[2]!.kill()]);
    const survivor = testStore({ endpoints: server.endpoints[0]! });
    let error = await failure(survivor.put({ key: '/x', value: 'lost' }, { timeoutMs: 500 }));
    // Until it has noticed, the member takes the request and waits for the others.
    for (let tries = 0; tries < 30 && error.code === 'OutcomeUnknown'; tries++) {
      error = await failure(survivor.put({ key: '/x', value: 'lost' }, { timeoutMs: 500 }));
    }
    expect(error.code).toBe('Unavailable');
    expect(error.message).toContain('no leader');
    const stale = await survivor.range({ key: '/x', serializable: true });
    expect(new TextDecoder().decode(stale.kvs[0]!.value)).toBe('kept');
  });

  it('F-16 fact 7: out of space, a put is OutcomeUnknown with the quota and the way out; deletes work, and so does the way out', async () => {
    const server = await testEtcd({ version, flags: ['--quota-backend-bytes=8388608'] });
    const store = testStore({ endpoints: server.endpoints });
    const value = new Uint8Array(1_000_000);
    let error: SetpointError | undefined;
    for (let number = 0; number < 20 && !error; number++) {
      error = await store.put({ key: `/fill/${number}`, value }).then(
        () => undefined,
        (reason: SetpointError) => reason,
      );
    }
    expect(error?.code).toBe('OutcomeUnknown');
    expect(isSetpointError(error?.cause, 'NoSpace')).toBe(true);
    expect(error?.message).toMatch(/NOSPACE.*compact.*--quota-backend-bytes/);
    expect((await store.alarms()).map(({ alarm }) => alarm)).toEqual(['NOSPACE']);
    const { revision } = await store.delete({ prefix: '/fill/' });
    await store.compact(revision);
    await server.etcdctl(['defrag']);
    for (const alarm of await store.alarms()) await store.disarm(alarm);
    expect(await store.alarms()).toEqual([]);
    await store.put({ key: '/after', value });
  });

  it('F-19: says once what is known to be wrong with the version of the server', async () => {
    const server = await testEtcd({ version });
    const warned: object[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
    const store = testStore({ endpoints: server.endpoints, logger });
    for (let call = 0; call < 3; call++) await store.put({ key: '/x', value: '' });
    expect(warned).toMatchObject([{ endpoint: server.endpoints[0], version: server.version }]);
  });

  it('answers a signal: unsent is Aborted, a sent write OutcomeUnknown with the reason', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint });
    await store.put({ key: '/warm', value: '' });
    proxy.hold('server');
    const abort = new AbortController();
    const calls = [
      store.put({ key: '/a', value: '' }, { signal: abort.signal }),
      store.range({ key: '/a' }, { signal: abort.signal }),
    ];
    const errors = Promise.all(calls.map(failure));
    await wait(50);
    const reason = new Error('enough');
    abort.abort(reason);
    const [write, read] = await errors;
    expect([write!.code, write!.cause]).toEqual(['OutcomeUnknown', reason]);
    expect([read!.code, read!.cause]).toEqual(['Aborted', reason]);
  });

  it('I-134 F-66: carries revisions above 2⁵³ exactly, both ways', async () => {
    const store = testStore({ endpoints: (await testEtcd({ version })).endpoints });
    await store.put({ key: '/x', value: '' });
    const operand = 2n ** 53n + 1n;
    const compare = { key: '/x', target: 'mod', operator: '<', operand } as const;
    expect((await store.txn({ compares: [compare] })).succeeded).toBe(true);
    const error = await failure(store.range({ key: '/x', revision: operand }));
    expect(error.code).toBe('FutureRevision');
    const id = 2n ** 62n + 1n;
    expect((await store.leaseGrant({ ttlSeconds: 60, id })).id).toBe(id);
    expect(await store.leases()).toEqual([id]);
  });
});
