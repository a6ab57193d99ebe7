import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SetpointError } from '../errors/index.ts';
import { sleep, systemClock } from '../internal/clock.ts';

export interface ManagedEtcdOptions {
  /** The program. Default: `SETPOINT_ETCD`, then `etcd` on the PATH. */
  readonly binary?: string;
  /** Further flags. */
  readonly flags?: readonly string[];
  /** How long it may take to answer. Default 30 s. */
  readonly startTimeoutMs?: number;
}

/** A real etcd that belongs to a test. */
export interface ManagedEtcd extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as `etcdStore({ endpoints: [endpoint] })` takes it. */
  readonly endpoint: string;
  /** Ends it and removes its data. Doing it twice does nothing. */
  stop(): Promise<void>;
}

const POLL_MS = 50;
/** Between finding a free port and etcd taking it, somebody else may have. */
const TRIES = 3;

/**
 * Starts one etcd on free loopback ports, with data in a temporary folder, and resolves when it answers: for
 * integration tests. It only runs the program; nothing of it is a dependency. Fails with `Unavailable` and what the
 * program said.
 */
export async function startManagedEtcd(options: ManagedEtcdOptions = {}): Promise<ManagedEtcd> {
  for (let tries = 1; ; tries++) {
    try {
      return await start(options);
    } catch (error) {
      if (tries === TRIES || !String(error).includes('address already in use')) throw error;
    }
  }
}

async function start(options: ManagedEtcdOptions): Promise<ManagedEtcd> {
  const { binary = process.env['SETPOINT_ETCD'] ?? 'etcd', flags = [], startTimeoutMs = 30_000 } = options;
  const [clientPort, peerPort] = await Promise.all([freePort(), freePort()]);
  const folder = await mkdtemp(join(tmpdir(), 'setpoint-etcd-'));
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const args = [
    '--name=test',
    `--data-dir=${folder}`,
    '--log-level=error',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    ...flags,
  ];
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = lastWords(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) kill();
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const healthy = await answers(`${client}/health`, startTimeoutMs, exited);
  if (healthy) return { endpoint: `127.0.0.1:${clientPort}`, stop, [Symbol.asyncDispose]: stop };
  await stop();
  const hint = 'Is etcd installed? SETPOINT_ETCD or the option binary names the program';
  throw new SetpointError(
    'Unavailable',
    `${binary} did not come up on ${client}: ${said() || 'it said nothing'}. ${hint}`,
  );
}

function lastWords(child: ChildProcess): () => string {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  child.once('error', (error) => (words += error.message));
  return () => words.trim();
}

async function answers(url: string, timeoutMs: number, exited: Promise<void>): Promise<boolean> {
  let over = false;
  void exited.then(() => (over = true));
  const end = systemClock.now() + timeoutMs;
  while (!over && systemClock.now() < end) {
    const answer = await fetch(url).then(
      (response) => response.text(),
      () => '',
    );
    if (answer.includes('"true"') && !over) return true;
    await sleep(systemClock, POLL_MS, undefined, { ref: true });
  }
  return false;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
