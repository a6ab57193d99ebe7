import { createTestManager } from 'setpoint/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createWebsiteController, LocalWebServers, Website, type WebServers } from './websites.ts';

/** Servers that are only written down. */
class PretendedServers implements WebServers {
  readonly running = new Map<string, string>();
  failures = 0;

  async ensure(name: string, message: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no port is free');
    this.running.set(name, message);
    return `http://${name}/`;
  }

  async stop(name: string): Promise<void> {
    this.running.delete(name);
  }
}

async function worldWith(servers: WebServers) {
  const world = await createTestManager({ controllers: [createWebsiteController(servers)] });
  onTestFinished(() => world.stop());
  return world;
}

it('runs a server for each website, changes it, and ends it when the website is deleted', async () => {
  const servers = new PretendedServers();
  const world = await worldWith(servers);
  await world.create(Website, { name: 'hello', spec: { message: 'hi' } });
  await world.settled();
  expect((await world.get(Website, { name: 'hello' })).status).toMatchObject({ url: 'http://default/hello/' });
  await world.apply(Website, { name: 'hello', spec: { message: 'ho' } });
  await world.settled();
  expect([...servers.running]).toEqual([['default/hello', 'ho']]);
  await world.delete(Website, { name: 'hello' });
  await world.settled();
  expect(servers.running.size).toBe(0);
  expect(await world.list(Website)).toEqual([]);
});

it('tries again when the world refuses, until it does not', async () => {
  const servers = new PretendedServers();
  servers.failures = 3;
  const world = await worldWith(servers);
  await world.create(Website, { name: 'hello', spec: { message: 'hi' } });
  await world.settled();
  expect(servers.running.size).toBe(1);
  expect(world.reports.length).toBeGreaterThan(3);
});

it('serves what it is told, over HTTP', async () => {
  const servers = new LocalWebServers();
  const url = await servers.ensure('a', 'one', 0);
  expect(await (await fetch(url)).text()).toBe('one\n');
  expect(await servers.ensure('a', 'two', 0)).toBe(url);
  expect(await (await fetch(url)).text()).toBe('two\n');
  await servers.stop('a');
  await expect(fetch(url)).rejects.toThrow();
});
