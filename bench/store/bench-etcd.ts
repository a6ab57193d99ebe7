import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { EtcdBuild } from '../../scripts/etcd.mjs';

/** An etcd for one run of a benchmark, on free ports and in a folder that goes with it. */
export interface BenchEtcd {
  readonly version: string;
  readonly endpoint: string;
  readonly etcdctl: string;
  readonly pid: number | undefined;
  dispose(): Promise<void>;
}

/**
 * Finds the newest etcd that can be had, and starts it. `root`: of the repository. Without `fsync` it doesn't wait for
 * the disk, which only adds its own noise where reading is measured.
 */
export async function startBenchEtcd(root: URL, { fsync = false } = {}): Promise<BenchEtcd> {
  const build = await newestBuild(root);
  const folder = await mkdtemp(join(tmpdir(), 'setpoint-bench-'));
  const [client, peer] = await freePorts();
  const endpoint = `http://127.0.0.1:${client}`;
  const flags = {
    'data-dir': join(folder, 'data'),
    'listen-client-urls': endpoint,
    'advertise-client-urls': endpoint,
    'listen-peer-urls': `http://127.0.0.1:${peer}`,
    'initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
    'initial-cluster': `default=http://127.0.0.1:${peer}`,
    'quota-backend-bytes': String(8 * 1024 ** 3),
    'log-level': 'error',
    ...(build.minor === '3.4' ? { logger: 'zap' } : {}),
    ...(build.minor === '3.4' || fsync ? {} : { 'unsafe-no-fsync': 'true' }),
  };
  const child = spawn(
    build.etcd,
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // One that outlived a failed benchmark would keep its output open, and whoever waits for that.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const dispose = async (): Promise<void> => {
    kill();
    await ended;
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  for (let tries = 0; !(await isHealthy(endpoint)); tries++) {
    if (tries < 100 && child.exitCode === null) await wait(100);
    else {
      await dispose();
      throw new Error('etcd did not become healthy');
    }
  }
  return { version: build.version, endpoint, etcdctl: build.etcdctl, pid: child.pid, dispose };
}

async function newestBuild(root: URL): Promise<EtcdBuild> {
  const { findEtcds } = (await import(
    new URL('scripts/etcd.mjs', root).href
  )) as typeof import('../../scripts/etcd.mjs');
  const { found, missing } = await findEtcds();
  const newest = found.at(-1);
  if (newest === undefined) throw new Error(missing[0]?.reason ?? 'no etcd can be found');
  return newest;
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    return (await (await fetch(`${endpoint}/health`)).text()).includes('"true"');
  } catch {
    return false;
  }
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  for (const server of servers) await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return [ports[0]!, ports[1]!];
}
