import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { HealthServer, type HealthServerOptions } from './health-server.ts';
import { Manager } from './manager.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server of its own on a free port, stopped after the test. */
async function serving(options: Omit<HealthServerOptions, 'port'>) {
  const abort = new AbortController();
  const server = new HealthServer({ port: 0, ...options });
  const run = server.run(abort.signal);
  const url = (await server.url()).replace('0.0.0.0', '127.0.0.1');
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  stops.push(stop);
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(url + path);
    return [response.status, await response.text()];
  };
  /** With headers that `fetch` doesn't let one set. */
  const ask = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const asked = request(url + path, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once('error', reject).end();
    });
  return { url, get, ask, stop };
}

describe('HealthServer', () => {
  it('I-163: answers before the caches are ready and while the rest stops, on loopback', async () => {
    const abort = new AbortController();
    const manager = new Manager();
    let cacheReady!: () => void;
    let cacheEnd!: () => void;
    const held = new Promise<void>((resolve) => (cacheEnd = resolve));
    const health = new HealthServer({
      port: 0,
      ready: {
        manager: () => {
          if (manager.state !== 'ready') throw new Error(manager.state);
        },
      },
      metrics: () => 'up 1\n',
    });
    manager.add(health, { group: 'http' });
    manager.add(
      { name: 'cache', run: () => held, ready: () => new Promise<void>((resolve) => (cacheReady = resolve)) },
      { group: 'caches' },
    );
    const run = manager.run(abort.signal);
    const url = await health.url();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const get = async (path: string): Promise<[number, string]> => {
      const response = await fetch(url + path);
      return [response.status, await response.text()];
    };

    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect(await get('/readyz')).toEqual([503, '[-] manager: starting\nnot ok\n']);
    cacheReady();
    await manager.whenReady();
    expect(await get('/readyz?verbose')).toEqual([200, '[+] manager ok\nok\n']);
    expect(await get('/metrics')).toEqual([200, 'up 1\n']);
    expect((await get('/secrets'))[0]).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);

    abort.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await get('/healthz')).toEqual([200, 'ok\n']);
    expect((await get('/readyz'))[0]).toBe(503);
    cacheEnd();
    await run;
    await expect(get('/healthz')).rejects.toThrow();
  });

  it('a port that is taken stops the manager with the reason', async () => {
    const abort = new AbortController();
    const first = new HealthServer({ port: 0 });
    const running = first.run(abort.signal);
    const port = Number(new URL(await first.url()).port);
    const manager = new Manager().add(new HealthServer({ port }), { group: 'http' });
    await expect(manager.run(abort.signal)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    abort.abort();
    await running;
  });

  it('says that the metrics can not be read when their registry throws, and lives on', async () => {
    const { get } = await serving({
      metrics: () => {
        throw new Error('registry');
      },
    });
    expect(await get('/metrics')).toEqual([500, "the metrics can't be read: registry\n"]);
    expect((await get('/healthz'))[0]).toBe(200);
  });

  it('leaves no server behind when it is stopped before it listens', async () => {
    const abort = new AbortController();
    const server = new HealthServer({ port: 0 });
    const run = server.run(abort.signal);
    abort.abort();
    await run;
    await expect(server.url()).rejects.toMatchObject({ code: 'Closed' });
  });

  it('refuses a port that is none, and a host', () => {
    expect(() => new HealthServer({ port: 70_000 })).toThrow('Invalid');
    expect(() => new HealthServer({ port: 0, host: '' })).toThrow('Invalid');
  });

  it('I-190: answers each check by itself, and shows what is worth a look without failing', async () => {
    const { get } = await serving({
      ready: {
        caches: () => {
          throw new Error('Server: stalled for 34 s');
        },
        runnables: () => 'websites: default/a has not returned for 60 s',
      },
    });
    expect(await get('/readyz')).toEqual([
      503,
      '[-] caches: Server: stalled for 34 s\n' +
        '[!] runnables ok, but websites: default/a has not returned for 60 s\nnot ok\n',
    ]);
    expect((await get('/readyz/caches'))[0]).toBe(503);
    expect((await get('/readyz/runnables'))[0]).toBe(200);
    expect((await get('/readyz/else'))[0]).toBe(404);
    expect((await get('/healthz'))[0]).toBe(200);
  });

  it('I-191: refuses every path under a name that it does not know, so that no web page can read it', async () => {
    const { url, ask } = await serving({ metrics: () => 'up 1\n', allowedHosts: ['Metrics.example.org'] });
    const { port } = new URL(url);
    for (const path of ['/healthz', '/metrics', '/debug', '/debug/profile']) {
      for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', '', 'a b', '[::1']) {
        expect([host, await ask(path, { host })]).toEqual([host, host === '' ? expect.any(Number) : 421]);
      }
    }
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '[::1]:80', 'metrics.example.org', '10.0.0.7']) {
      expect([host, await ask('/metrics', { host })]).toEqual([host, 200]);
    }
  });

  it('I-191: a page of another site can not make it do anything either', async () => {
    const { ask } = await serving({ debug: { queues: () => [] } });
    expect(await ask('/debug/queues', {})).toBe(200);
    expect(await ask('/debug/queues', { origin: 'https://evil.example' })).toBe(403);
    expect(await ask('/debug/profile', { 'sec-fetch-site': 'cross-site' })).toBe(403);
  });

  it('I-191: shows debug pages on loopback only, unless asked to show them anywhere', async () => {
    const debug = { queues: () => [] };
    expect(await (await serving({ debug, host: '0.0.0.0' })).ask('/debug/queues', {})).toBe(404);
    expect(await (await serving({ debug, host: '0.0.0.0', debugAnywhere: true })).ask('/debug/queues', {})).toBe(200);
  });

  it('serves debug pages as JSON, bigints too, and says what is wrong with a question', async () => {
    const { get } = await serving({
      debug: {
        informers: ({ limit }) => [{ revision: 12n, limit }],
        broken: () => {
          throw new Error('broken page');
        },
      },
    });
    expect(JSON.parse((await get('/debug'))[1])).toEqual({
      pages: ['/debug/informers', '/debug/broken', '/debug/profile'],
    });
    expect(JSON.parse((await get('/debug/informers?limit=3'))[1])).toEqual([{ revision: '12', limit: 3 }]);
    expect((await get('/debug/informers?limit=-1'))[0]).toBe(400);
    expect((await get('/debug/constructor'))[0]).toBe(404);
    expect(await get('/debug/broken')).toEqual([500, expect.stringContaining('broken page')]);
  });

  it('takes a CPU profile on request, one at a time, and ends it when the manager stops', async () => {
    const { get, stop } = await serving({ debug: {} });
    const profile = JSON.parse((await get('/debug/profile?seconds=0.05'))[1]) as object;
    expect(profile).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) });
    expect((await get('/debug/profile?seconds=0'))[0]).toBe(400);
    expect((await get('/debug/profile?seconds=61'))[0]).toBe(400);
    const long = get('/debug/profile?seconds=60').catch(() => 'cut');
    await expect.poll(async () => (await get('/debug/profile?seconds=1'))[0], { timeout: 5000 }).toBe(429);
    await stop();
    await long;
    const again = await serving({ debug: {} });
    await expect.poll(async () => (await again.get('/debug/profile?seconds=0.01'))[0], { timeout: 5000 }).toBe(200);
  });
});
