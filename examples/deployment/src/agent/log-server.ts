import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogBuffer } from './log-buffer.ts';
import type { Supervisor } from './supervisor.ts';

/** Serves what programs have said, on loopback: `GET /logs/<namespace>/<name>?tail=10&follow=1&previous=1`. */
export interface LogServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startLogServer(supervisor: Supervisor): Promise<LogServer> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
    const key = pathname.startsWith('/logs/') ? pathname.slice('/logs/'.length) : '';
    const logs = supervisor.logs(key, searchParams.has('previous'));
    if (!logs) return void response.writeHead(404).end(`nothing is known of ${key}\n`);
    const tail = searchParams.get('tail');
    say(response, logs, { tail: tail === null ? undefined : Number(tail), follow: searchParams.has('follow') });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function say(
  response: ServerResponse,
  logs: LogBuffer,
  { tail, follow }: { readonly tail: number | undefined; readonly follow: boolean },
): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  for (const line of logs.lines(tail)) response.write(`${line}\n`);
  if (!follow || logs.ended.aborted) return void response.end();
  const stop = logs.follow((line) => response.write(`${line}\n`));
  response.once('close', stop);
  logs.ended.addEventListener('abort', () => response.end(), { once: true });
}
