/**
 * The program that the example runs many times: an HTTP server that says hello. It knows nothing of setpoint. What it
 * shares with the node agent is three habits, which any program could have:
 *
 * - it says over its IPC channel when it is ready and on which port, or why it can't be, and how busy it is;
 * - it stops on SIGTERM after the requests at hand are answered;
 * - it stops when the channel closes, because then nobody looks after it any more.
 */
import { createServer } from 'node:http';

const {
  PROCESS_NAME: name = 'helloworld',
  PORT = '0',
  VERSION: version = 'v1',
  MESSAGE = 'hello, world',
} = process.env;

if (process.env['CRASH'] !== undefined) {
  console.error(`helloworld ${version} was asked to crash: ${process.env['CRASH']}`);
  process.exit(3);
}

let requests = 0;
let reported = 0;

const server = createServer((request, response) => {
  requests += 1;
  if (request.url !== '/healthz') console.log(`${request.method} ${request.url}`);
  response.setHeader('content-type', 'application/json');
  response.setHeader('connection', 'close');
  response.end(JSON.stringify({ message: MESSAGE, version, name, pid: process.pid }));
});

/** `process.send` is there only when the parent opened a channel: started by hand, the program just serves. */
function tell(news: object, then: () => void = () => {}): void {
  if (process.send && process.connected) process.send(news, () => then());
  else then();
}

server.once('error', (error: NodeJS.ErrnoException) => {
  const reason = error.code === 'EADDRINUSE' ? 'PortInUse' : 'CannotListen';
  const message = error.code === 'EADDRINUSE' ? `port ${PORT} is used by another program` : error.message;
  tell({ type: 'failed', reason, message }, () => process.exit(1));
});

server.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') tell({ type: 'ready', port: address.port });
});

console.log(`helloworld ${version} starts as process ${process.pid}`);
setInterval(() => {
  if (requests !== reported) tell({ type: 'load', value: requests });
  reported = requests;
  requests = 0;
}, 1_000).unref();

process.once('SIGTERM', () => server.close(() => process.exit(0)));
process.once('disconnect', () => process.exit(0));
if (process.connected === false) process.exit(0); // the channel was closed before anybody listened to that
