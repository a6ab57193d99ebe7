import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogBuffer } from './log-buffer.ts';
import { type LogServer, startLogServer } from './log-server.ts';

let logs: LogBuffer;
let server: LogServer;
beforeEach(async () => {
  logs = new LogBuffer();
  server = await startLogServer({ logs: (key) => (key === 'default/web' ? logs : undefined) });
});
afterEach(() => server.close());

const path = '/logs/default/web';

/** The first line of the answer to a request that is written by hand. */
async function ask(...lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write([...lines, 'connection: close', '', ''].join('\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().split('\r\n')[0]!;
}

it('answers what is no URL, and goes on', async () => {
  for (const target of ['//', '/logs/%', '*', 'http://[', '/logs/default/web?tail=%']) {
    expect(await ask(`GET ${target} HTTP/1.1`, 'host: 127.0.0.1')).toMatch(/^HTTP\/1.1 [24]/);
  }
  logs.add('one\n');
  expect(await (await fetch(server.url + path)).text()).toBe('one\n');
});

it('turns browsers away, whatever page they show', async () => {
  expect(await ask(`GET ${path} HTTP/1.1`, 'host: evil.example')).toContain('403');
  expect(await ask(`GET ${path} HTTP/1.1`, 'host: 127.0.0.1', 'origin: http://evil.example')).toContain('403');
  expect(await ask(`GET ${path} HTTP/1.1`, 'host: 127.0.0.1:80')).toContain('200');
});

it('lets go of who follows and does not read, and tells the others', async () => {
  const request = get(`${server.url}${path}?follow=1`);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause();
  const gone = new Promise((resolve) => response.once('error', resolve).once('end', resolve));
  const line = `${'x'.repeat(10_000)}\n`;
  for (let i = 0; i < 2_000; i++) {
    logs.add(line);
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  response.resume();
  expect(await gone).toMatchObject({ code: 'ECONNRESET' });
});

it('ends with what the program says', async () => {
  const following = fetch(`${server.url}${path}?follow=1`);
  const response = await following;
  logs.add('one\nand two');
  logs.end();
  expect(await response.text()).toBe('one\nand two\n');
});
