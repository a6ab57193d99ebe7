import { describe, expect, it } from 'vitest';
import { HealthServer } from './health-server.ts';
import { Manager } from './manager.ts';

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

  it('refuses a port that is none', () => {
    expect(() => new HealthServer({ port: 70_000 })).toThrow('Invalid');
  });
});
