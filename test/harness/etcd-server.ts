import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EtcdBuild, findEtcd, findEtcds } from '../../scripts/etcd.mjs';
import { EtcdMember } from './etcd-member.ts';
import { freePorts } from './free-ports.ts';

export interface StartEtcdOptions {
  /** Default 3.4, the version that every machine has. */
  readonly version?: string;
  readonly members?: 1 | 3;
  /** Serves clients over https, with certificates that the members make for themselves. */
  readonly tls?: boolean;
  /** Further flags for each member, such as `--quota-backend-bytes=16777216`. */
  readonly flags?: readonly string[];
}

/** A running etcd of one or three members. What it does to "the server" it does to every member. */
export interface EtcdServer extends AsyncDisposable {
  readonly version: string;
  /** The client addresses, `http://127.0.0.1:<port>`, one for each member; they stay over restarts. */
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  kill(): Promise<void>;
  stop(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Hard: as after kill -9. */
  restart(): Promise<void>;
  /** Runs etcdctl against it and gives what it printed; rejects with what it complained of. */
  etcdctl(args: readonly string[]): Promise<string>;
  /** Ends the processes and removes their data. Doing it twice does nothing. */
  dispose(): Promise<void>;
}

/** The minor versions that can be had here. Fails when 3.4 is not among them; says so when 3.5 is not. */
export async function availableEtcds(): Promise<readonly string[]> {
  const { found, missing } = await findEtcds();
  for (const { minor, reason } of missing) {
    if (minor === '3.4') throw new Error(reason);
    process.stderr.write(`Not tested against etcd ${minor}. ${reason}\n`);
  }
  return found.map(({ minor }) => minor);
}

/** Starts a fresh etcd on free loopback ports and waits until it is healthy. */
export async function startEtcd(options: StartEtcdOptions = {}): Promise<EtcdServer> {
  const build = await findEtcd(options.version ?? '3.4');
  for (let attempt = 1; ; attempt++) {
    const server = await prepare(build, options);
    try {
      server.members.forEach((member) => member.launch());
      await Promise.all(server.members.map((member) => member.ready()));
      return server;
    } catch (error) {
      await server.dispose();
      // Between finding a free port and etcd taking it, somebody else may have.
      if (attempt === 3 || !String(error).includes('address already in use')) throw error;
    }
  }
}

/** What has to go when this process ends in the middle of a test. */
const alive = new Set<{ readonly members: readonly EtcdMember[]; readonly folder: string }>();
process.on('exit', () => {
  for (const { members, folder } of alive) {
    members.forEach((member) => member.killNow());
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

async function prepare(build: EtcdBuild, options: StartEtcdOptions): Promise<EtcdServer> {
  const count = options.members ?? 1;
  const folder = await mkdtemp(join(tmpdir(), 'setpoint-etcd-'));
  const ports = await freePorts(count * 2);
  const peerPort = (index: number): number => ports[count + index]!;
  const names = ports.slice(0, count).map((_, index) => `m${index}`);
  const initialCluster = names.map((name, index) => `${name}=http://127.0.0.1:${peerPort(index)}`).join(',');
  // A test's data need not survive a power cut; a killed process loses nothing by this.
  const flags = [...(build.minor === '3.4' ? [] : ['--unsafe-no-fsync']), ...(options.flags ?? [])];
  const members = names.map(
    (name, index) =>
      new EtcdMember({
        binary: build.etcd,
        name,
        folder,
        clientPort: ports[index]!,
        peerPort: peerPort(index),
        initialCluster,
        tls: options.tls ?? false,
        flags,
      }),
  );
  return serverOver(build, folder, members);
}

const run = promisify(execFile);

function serverOver(build: EtcdBuild, folder: string, members: readonly EtcdMember[]): EtcdServer {
  const entry = { members, folder };
  alive.add(entry);
  const endpoints = members.map((member) => member.endpoint);
  const each = async (act: (member: EtcdMember) => Promise<void>): Promise<void> => {
    await Promise.all(members.map(act));
  };
  const dispose = async (): Promise<void> => {
    await each((member) => member.kill());
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    alive.delete(entry);
  };
  return {
    version: build.version,
    endpoints,
    members,
    kill: () => each((member) => member.kill()),
    stop: () => each((member) => member.stop()),
    pause: () => members.forEach((member) => member.pause()),
    resume: () => members.forEach((member) => member.resume()),
    restart: async () => {
      await each((member) => member.restart({ ready: false }));
      await each((member) => member.ready());
    },
    etcdctl: async (args) => {
      const options = { env: { ...process.env, ETCDCTL_API: '3' }, maxBuffer: 64 << 20 };
      const trust = endpoints[0]!.startsWith('https:') ? [`--cacert=${members[0]!.certificateFile}`] : [];
      return (await run(build.etcdctl, [`--endpoints=${endpoints.join(',')}`, ...trust, ...args], options)).stdout;
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}
