import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogBuffer } from './log-buffer.ts';
import type { Supervisor } from './supervisor.ts';

/** Serves what programs have said, on loopback: `GET /logs/<namespace>/<name>?tail=10&follow=1&previous=1`. */
export interface LogServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What may wait for one who follows and does not read. */
const UNREAD_MAX_BYTES = 1 << 20;

export async function startLogServer(supervisor: Pick<Supervisor, 'logs'>): Promise<LogServer> {
  const server = createServer((request, response) => {
    if (isOfBrowser(request)) return void response.writeHead(403).end('only programs of this machine are served\n');
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const searchParams = new URLSearchParams(query);
    const key = path.startsWith('/logs/') ? path.slice('/logs/'.length) : '';
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

/** A page in a browser could reach loopback: it sends an Origin, or a Host that is a name of its own. */
function isOfBrowser({ headers: { host, origin } }: IncomingMessage): boolean {
  return origin !== undefined || host?.replace(/:\d+$/, '') !== '127.0.0.1';
}

function say(
  response: ServerResponse,
  logs: LogBuffer,
  { tail, follow }: { readonly tail: number | undefined; readonly follow: boolean },
): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  for (const line of logs.lines(tail)) response.write(`${line}\n`);
  if (!follow || logs.ended.aborted) return void response.end();
  response.flushHeaders(); // a program may be silent for long
  const stop = logs.follow((line) => {
    response.write(`${line}\n`);
    if (response.writableLength > UNREAD_MAX_BYTES) response.destroy();
  });
  const end = (): void => void response.end();
  logs.ended.addEventListener('abort', end, { once: true });
  response.once('close', () => {
    stop();
    logs.ended.removeEventListener('abort', end);
  });
}
