import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, memoryStore } from 'setpoint';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cliKinds } from './cli-kinds.ts';
import { kinds, Node, Process } from './kinds.ts';
import { runCli, serveStore, type StoreServer } from '@setpoint/cli';

const store = memoryStore();
const client = createClient({ store });
let agent: Server;
let server: StoreServer;
beforeEach(async () => {
  server = await serveStore(store);
  agent = createServer((_request, response) => void response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(agent, 'listening');
  await client.resource(Node).create({ name: 'n', spec: {} });
  const address = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
  await client.resource(Node).modifyStatus({ name: 'n' }, () => ({ ready: true, address }));
  for (const [name, nodeName] of [
    ['waiting', undefined],
    ['web', 'n'],
  ] as const) {
    await client.resource(Process).create({ name, spec: { command: ['web'], ...(nodeName && { nodeName }) } });
  }
});
afterEach(async () => {
  agent.close();
  await server.close();
  for (const kind of kinds) await client.resource(kind).deleteCollection();
});

async function ctl(...words: readonly string[]): Promise<string[]> {
  const printed: string[] = [];
  const say = (text: string): void => void printed.push(...text.split('\n'));
  const terminal = { out: say, error: say, write: say, isTTY: false };
  const code = await runCli({ name: 'ctl', kinds: cliKinds, terminal }, ['--server', server.url, ...words]);
  return [...printed, `exit ${code}`];
}

it('says in a line why there are no logs', async () => {
  expect(await ctl('logs', 'waiting')).toEqual(['error: waiting has no node yet, so nothing runs', 'exit 1']);
  expect(await ctl('logs', 'web')).toEqual(['error: web has not started yet', 'exit 1']);
  agent.close();
  expect(await ctl('logs', 'web')).toEqual([
    expect.stringMatching(/^error: the agent of n does not answer: /),
    'exit 1',
  ]);
});

it('says so when the agent goes while its logs are followed', async () => {
  agent.removeAllListeners('request').on('request', (_request, response) => {
    response.write('one\n');
    setImmediate(() => agent.closeAllConnections());
  });
  expect(await ctl('logs', '-f', 'web')).toEqual(['one', 'error: the agent of n has gone: aborted', 'exit 1']);
});
