import { setTimeout as wait } from 'node:timers/promises';
import { isSetpointError } from 'setpoint';
import { createInformer } from 'setpoint/informer';
import { textCodec } from 'setpoint/resource';
import { progressRequests, type Store } from 'setpoint/store';
import { describe, expect, it, onTestFinished } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { startFrameProxy } from '../harness/frame-proxy.ts';
import { testEtcd, testProxy, testStore, testWatch } from '../harness/disposal.ts';

/** A running informer over `/mine`. */
async function informerOver(store: Store) {
  const stop = new AbortController();
  const informer = createInformer({ store, prefix: '/mine', codec: textCodec });
  const running = informer.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const relists: string[] = [];
  informer.on('relist', ({ reason }) => relists.push(reason));
  await informer.whenSynced();
  return { informer, relists };
}

/** What a wait came to, and after how many milliseconds. */
async function timed(work: Promise<void>): Promise<{ outcome: unknown; ms: number }> {
  const startedAt = performance.now();
  const outcome = await work.then(
    () => 'reached',
    (error: unknown) => (isSetpointError(error) ? error.code : error),
  );
  return { outcome, ms: performance.now() - startedAt };
}

async function putMany(store: Store, prefix: string, count: number): Promise<bigint> {
  let revision = 0n;
  for (let from = 0; from < count; from += 100) {
    const puts = Array.from({ length: 100 }, (_, i) => store.put({ key: `${prefix}${(from + i) % 500}`, value: '' }));
    for (const answer of await Promise.all(puts)) if (answer.revision > revision) ({ revision } = answer);
  }
  return revision;
}

/** The etcds at hand whose answers can be trusted. */
const trusted = (await availableEtcds()).filter((version) => version !== '3.4');

describe.each(await availableEtcds())('an informer on etcd %s', (version) => {
  it('I-90, I-91, I-112: waits for revisions of other keys by asking, where the server can be asked', async () => {
    const server = await testEtcd({ version });
    const store = testStore({ endpoints: server.endpoints });
    const { informer } = await informerOver(store);
    const own = await store.put({ key: '/mine/a', value: '1' });
    expect((await timed(informer.waitFor(own.revision))).outcome).toBe('reached');
    const { revision } = await store.put({ key: '/other/a', value: '1' });
    const { outcome, ms } = await timed(informer.waitFor(revision, { timeoutMs: 1500 }));
    if (version === '3.4') {
      expect(outcome).toBe('Timeout');
      // Not lost, only not known: the next change of its own tells.
      const next = await store.put({ key: '/mine/a', value: '2' });
      await informer.waitFor(next.revision);
      await informer.waitFor(revision);
    } else {
      expect(outcome).toBe('reached');
      expect(ms).toBeLessThan(1000);
    }
  });

  it('the informer lists again when it was cut off for longer than it takes to catch up', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    // Each write has to be a revision of its own.
    const direct = testStore({ endpoints: server.endpoints, combineWrites: false });
    const { informer, relists } = await informerOver(testStore({ endpoints: proxy.endpoint }));
    proxy.refuse();
    const behind = await putMany(direct, '/mine/', 10_500);
    proxy.release();
    await informer.waitFor(behind, { timeoutMs: 20_000 });
    expect(relists).toEqual(['far-behind']);
    expect(informer.lister.size).toBe(500);
    proxy.refuse();
    const few = await putMany(direct, '/mine/', 2000);
    proxy.release();
    await informer.waitFor(few, { timeoutMs: 20_000 });
    expect(relists).toEqual(['far-behind']);
  });
});

describe.each(await availableEtcds())('a watch on etcd %s', (version) => {
  it('ends with FarBehind and the present revision when it would go on further back than it may', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const { revision: start } = await direct.put({ key: '/w/start', value: '' });
    const watch = testWatch(
      testStore({ endpoints: proxy.endpoint }),
      { prefix: '/w/', startRevision: start },
      { behindMax: 50 },
    );
    await watch.until(() => watch.events.length === 1);
    proxy.refuse();
    for (let number = 0; number < 50; number++) await direct.put({ key: '/w/x', value: '' });
    proxy.release();
    await watch.until(() => watch.events.length === 51, 'what it may catch up with');
    proxy.refuse();
    let present = 0n;
    for (let number = 0; number < 51; number++) ({ revision: present } = await direct.put({ key: '/w/x', value: '' }));
    proxy.release();
    const error = await watch.over;
    expect(isSetpointError(error, 'FarBehind') && error.details.revision).toBe(present);
    expect((error as Error).message).toContain('51 revisions behind');
    expect(watch.events).toHaveLength(51);
  });
});

describe.each(trusted)('requests for progress to etcd %s', (version) => {
  it('I-91: are not sent to a server whose version has the defect', async () => {
    const server = await testEtcd({ version });
    for (const [claimed, answers] of [
      ['3.5.12', false],
      ['3.5.13', true],
    ] as const) {
      const proxy = await startFrameProxy(server.endpoints[0]!, {
        messages: (message, { path }) => [
          path.endsWith('/Status') ? claiming(message, server.version, claimed) : message,
        ],
      });
      onTestFinished(() => proxy.dispose());
      const progress = progressRequests();
      const watch = testWatch(testStore({ endpoints: proxy.endpoint }), { prefix: '/quiet/' }, { progress });
      await watch.until(() => watch.batches.length > 0);
      for (let number = 0; number < 5; number++) {
        progress.request();
        await wait(100);
      }
      expect(watch.batches.length > 1, claimed).toBe(answers);
    }
  });

  it('are asked again after a break, and answered by the new stream', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const direct = testStore({ endpoints: server.endpoints });
    const { informer } = await informerOver(testStore({ endpoints: proxy.endpoint }));
    for (let round = 0; round < 5; round++) {
      const { revision } = await direct.put({ key: '/other/a', value: '' });
      const reached = informer.waitFor(revision, { timeoutMs: 10_000 });
      proxy.cut();
      await reached;
    }
  });
});

/** The message with one version in place of another of the same length. */
function claiming(message: Buffer, version: string, claimed: string): Buffer {
  const at = message.indexOf(version);
  if (at < 0 || version.length !== claimed.length) throw new Error(`no ${version} in ${message.toString('latin1')}`);
  const changed = Buffer.from(message);
  changed.write(claimed, at, 'latin1');
  return changed;
}
