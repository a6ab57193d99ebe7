import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createManager, memoryStore } from 'setpoint';
import { serveStore } from '@setpoint/cli';
import { expect, it, onTestFinished, vi } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The addresses that servers were asked to listen on. */
function recordListens(): string[] {
  const hosts: string[] = [];
  const original = Server.prototype.listen;
  const spy = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args: unknown[]) {
    const [first, second] = args as [{ host?: string } | number, unknown];
    hosts.push(String(typeof first === 'object' ? first.host : second));
    return Reflect.apply(original, this, args) as Server;
  });
  onTestFinished(() => spy.mockRestore());
  return hosts;
}

it('F-118: everything that listens does so on loopback, unless told otherwise', async () => {
  const hosts = recordListens();
  const store = memoryStore();
  const manager = createManager({ store, health: { port: 0 } });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  expect(await manager.healthUrl()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const server = await serveStore(store);
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await server.close();
  stop.abort();
  await running;
  expect(hosts).toEqual(['127.0.0.1', '127.0.0.1']);
});

it('F-118: nothing else listens: each call of `listen` in packages and examples names loopback', () => {
  const listed = execFileSync('git', ['ls-files', 'packages/*/src/*.ts', 'examples/*/src/*.ts'], { cwd: root });
  const sources = listed
    .toString()
    .trim()
    .split('\n')
    .filter((file) => !file.endsWith('.test.ts'));
  const calls = sources.flatMap((file) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(/\.listen\(([^\n]*)/g)].map(([, rest]) => `${file}: ${rest}`),
  );
  expect(calls.length).toBeGreaterThan(4);
  expect(calls.filter((call) => !call.includes("'127.0.0.1'"))).toEqual([]);
});
