import { createInformer, type Informer } from 'setpoint';
import { resourceCodec } from 'setpoint/resource';
import { describe, expect, it } from 'vitest';
import { errorOf, sampleClient, Server, Website } from '../../../../test/harness/sample-objects.ts';
import { Expectations, type FollowingCache } from './index.ts';

/** A cache that has come as far as it is told to. */
function cacheAt(revision: bigint) {
  const asked: bigint[] = [];
  return {
    hasSynced: true,
    revision,
    historyResets: 0,
    asked,
    waitFor: async (wanted: bigint) => void asked.push(wanted),
  };
}

describe('expectations', () => {
  it('I-194: a write that is noted while the last ones are waited for is not forgotten with them', async () => {
    const cache = cacheAt(1n);
    const expectations = new Expectations(() => cache);
    expectations.expect('k', Server, 5n);
    const met = expectations.whenMet('k');
    expectations.expect('k', Server, 9n);
    cache.revision = 5n;
    await met;
    expect(expectations.isMet('k')).toBe(false);
    cache.revision = 9n;
    expect([expectations.isMet('k'), expectations.size]).toEqual([true, 0]);
  });

  it('I-194: hold a key until an informer shows what it wrote, and cost nothing afterwards', async () => {
    const { client, clock, store } = sampleClient();
    const informer: Informer<unknown> = createInformer({
      store,
      clock,
      prefix: '/registry/servers',
      codec: resourceCodec(Server),
    });
    const expectations = new Expectations((kind) => (kind === Server ? informer : undefined));
    const server = await client.resource(Server).create({ name: 's', spec: { message: 'x' } });
    expectations.expect('default/web', Server, server);
    expect([expectations.isMet('default/web'), expectations.isMet('default/other')]).toEqual([false, true]);

    const late = expectations.whenMet('default/web', { timeoutMs: 100 });
    late.catch(() => {});
    await clock.advance(101);
    expect(await errorOf(late)).toMatchObject({ code: 'Timeout', message: expect.stringMatching(/servers/) });
    expect([expectations.isMet('default/web'), expectations.size]).toEqual([false, 1]);

    const stop = new AbortController();
    const run = informer.run(stop.signal);
    await expectations.whenMet('default/web');
    expect(informer.lister.get('default/s')).toEqual(server);
    expect([expectations.isMet('default/web'), expectations.size]).toEqual([true, 0]);
    stop.abort();
    await run;
  });

  it('keep the newest revision of each kind, and forget a key when told to', async () => {
    const caches = new Map<unknown, ReturnType<typeof cacheAt>>([
      [Server, cacheAt(7n)],
      [Website, cacheAt(9n)],
    ]);
    const expectations = new Expectations((kind) => caches.get(kind));
    for (const revision of [8n, 6n]) expectations.expect('a', Server, revision);
    expectations.expect('a', Website, 9n);
    expect(expectations.isMet('a')).toBe(false);
    await expectations.whenMet('a');
    expect([...caches.values()].map(({ asked }) => asked)).toEqual([[8n], [9n]]);
    expectations.expect('a', Server, 10n);
    expectations.forget('a');
    expect([expectations.isMet('a'), expectations.size]).toEqual([true, 0]);
  });

  it('I-93: do not wait for a history that is gone, but for a whole list of the new one', async () => {
    const cache = cacheAt(3n);
    const expectations = new Expectations(() => cache);
    expectations.expect('a', Website, 9n);
    Object.assign(cache, { historyResets: 1, hasSynced: false });
    expect(expectations.isMet('a')).toBe(false);
    await expectations.whenMet('a');
    expect([cache.asked, expectations.size]).toEqual([[0n], 0]);
    expectations.expect('a', Website, 9n);
    cache.historyResets = 2;
    expectations.expect('a', Website, 4n);
    cache.hasSynced = true;
    expect(expectations.isMet('a')).toBe(false);
    cache.revision = 4n;
    expect(expectations.isMet('a')).toBe(true);
  });

  it('do not wait for kinds without a cache, and refuse what is no revision', async () => {
    const expectations = new Expectations((): FollowingCache | undefined => undefined);
    expectations.expect('a', Website, 9n);
    await expectations.whenMet('a');
    expect(expectations.isMet('a')).toBe(true);
    for (const wrong of [0n, -1n, 5, '5', undefined, null, {}, { metadata: { resourceVersion: '' } }]) {
      expect(() => expectations.expect('a', Website, wrong as never)).toThrow(
        expect.objectContaining({ code: 'Invalid', details: { path: 'written' } }),
      );
    }
    expect(expectations.size).toBe(0);
  });
});
