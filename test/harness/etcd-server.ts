import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type EtcdBuild, findEtcd, findEtcds, unsupportedArch } from '../../scripts/etcd.mjs';
import { dataFolder } from './data-folder.ts';
import { EtcdMember, type ServerTls } from './etcd-member.ts';
import { freePorts } from './free-ports.ts';
import { folderMade, folderRemoved } from './leftovers.ts';
import { type PeerMesh, startPeerMesh } from './peer-mesh.ts';

export interface StartEtcdOptions {
  /** Default 3.4, the version that every machine has. */
  readonly version?: string;
  readonly members?: 1 | 3;
  /** Serves clients over https: `true` with certificates that the members make for themselves. */
  readonly tls?: boolean | ServerTls;
  /** Further flags for each member, such as `--quota-backend-bytes=16777216`. */
  readonly flags?: readonly string[];
  /** Lets members be cut off from each other with `isolate`. */
  readonly partitions?: boolean;
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
  /** Runs etcdctl against all members, unless the arguments name `--endpoints=`, and gives what it printed; rejects with what it complained of. */
  etcdctl(args: readonly string[]): Promise<string>;
  /** Each member's id, hexadecimal, in the order of `members`. */
  memberIds(): Promise<readonly string[]>;
  /** Cuts one member off from the others until `heal`; clients still reach it. Needs `partitions`. */
  isolate(index: number): Promise<void>;
  heal(): void;
  /**
   * Saves a snapshot of the first member, and gives back a function that puts its data in place of the present, as an
   * operator does who restores a backup: same name, same token, same addresses. The server must not run by then.
   */
  snapshot(): Promise<(options?: RestoreOptions) => Promise<void>>;
  /** Adds one more member, a learner until it is promoted. Learners answer no health check: wait by asking it. */
  addLearner(): Promise<EtcdMember>;
  /** Ends the processes and removes their data. Doing it twice does nothing. */
  dispose(): Promise<void>;
}

export interface RestoreOptions {
  /** Raises the revision by so much and marks what came before as compacted; needs etcd 3.5. */
  readonly bumpRevision?: bigint;
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

/** The versions that an option of a campaign names: one, or `both`, which are all that can be had. */
export const chosenEtcds = async (option: string): Promise<readonly string[]> =>
  option === 'both' ? await availableEtcds() : [option];

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

async function prepare(build: EtcdBuild, options: StartEtcdOptions): Promise<EtcdServer> {
  const count = options.members ?? 1;
  const folder = await mkdtemp(join(dataFolder(), 'setpoint-etcd-'));
  folderMade(folder);
  const ports = await freePorts(count * 2);
  const peerPorts = ports.slice(count);
  const mesh = options.partitions ? await startPeerMesh(peerPorts) : undefined;
  const advertised = mesh?.ports ?? peerPorts;
  const names = ports.slice(0, count).map((_, index) => `m${index}`);
  const initialCluster = names.map((name, index) => `${name}=http://127.0.0.1:${advertised[index]}`).join(',');
  // A test's data need not survive a power cut; a killed process loses nothing by this.
  const flags = [...(build.minor === '3.4' ? [] : ['--unsafe-no-fsync']), ...(options.flags ?? [])];
  const members = names.map(
    (name, index) =>
      new EtcdMember({
        binary: build.etcd,
        name,
        folder,
        clientPort: ports[index]!,
        peerPort: peerPorts[index]!,
        advertisedPeerPort: advertised[index]!,
        initialCluster,
        tls: options.tls ?? false,
        flags,
      }),
  );
  return serverOver({ build, folder, members, mesh, advertised, initialCluster });
}

interface ServerParts {
  readonly build: EtcdBuild;
  readonly folder: string;
  readonly members: readonly EtcdMember[];
  readonly mesh: PeerMesh | undefined;
  readonly advertised: readonly number[];
  readonly initialCluster: string;
}

const run = promisify(execFile);

function serverOver(parts: ServerParts): EtcdServer {
  const { build, folder, mesh } = parts;
  const members = [...parts.members];
  const endpoints = members.map((member) => member.endpoint);
  const each = async (act: (member: EtcdMember) => Promise<void>): Promise<void> => {
    await Promise.all(members.map(act));
  };
  const dispose = async (): Promise<void> => {
    await each((member) => member.kill());
    await mesh?.dispose();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    folderRemoved(folder);
  };
  const etcdctl = async (args: readonly string[]): Promise<string> => {
    const options = { env: { ...process.env, ETCDCTL_API: '3' }, maxBuffer: 64 << 20 };
    const trust = endpoints[0]!.startsWith('https:') ? [`--cacert=${members[0]!.certificateFile}`] : [];
    const chosen = args.some((arg) => arg.startsWith('--endpoints=')) ? [] : [`--endpoints=${endpoints.join(',')}`];
    return (await run(build.etcdctl, [...chosen, ...trust, ...args], options)).stdout;
  };
  const memberIds = (): Promise<readonly string[]> => memberIdsOf(etcdctl, parts.members);
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
    etcdctl,
    memberIds,
    async isolate(index) {
      if (!mesh) throw new Error('start it with partitions: true to isolate a member');
      mesh.isolate(index, (await memberIds())[index]!);
    },
    heal: () => mesh?.heal(),
    snapshot: () => saveSnapshot(parts, etcdctl),
    async addLearner() {
      const learner = await startLearner(parts, etcdctl);
      members.push(learner);
      return learner;
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

type Etcdctl = EtcdServer['etcdctl'];

async function memberIdsOf(etcdctl: Etcdctl, members: readonly EtcdMember[]): Promise<readonly string[]> {
  // Each line: id, status, name, peer addresses, client addresses.
  const lines = (await etcdctl(['member', 'list'])).trim().split('\n');
  const ids = new Map(lines.map((line) => line.split(', ')).map(([id, , name]) => [name, id]));
  return members.map(({ name }) => ids.get(name)!);
}

async function saveSnapshot(
  { build, folder, members, advertised, initialCluster }: ServerParts,
  etcdctl: Etcdctl,
): Promise<(options?: RestoreOptions) => Promise<void>> {
  const file = join(folder, `snapshot-${Date.now()}`);
  await etcdctl([`--endpoints=${members[0]!.endpoint}`, 'snapshot', 'save', file]);
  return async ({ bumpRevision } = {}) => {
    const bump = bumpRevision === undefined ? [] : [`--bump-revision=${bumpRevision}`, '--mark-compacted'];
    const program = bumpRevision === undefined ? build.etcdctl : join(dirname(build.etcdctl), 'etcdutl');
    for (const [index, { name, dataFolder }] of members.entries()) {
      await rm(dataFolder, { recursive: true, force: true });
      const settings = {
        name,
        'data-dir': dataFolder,
        'initial-cluster': initialCluster,
        'initial-cluster-token': 'setpoint-test',
        'initial-advertise-peer-urls': `http://127.0.0.1:${advertised[index]}`,
      };
      const flags = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
      const env = { ...process.env, ETCDCTL_API: '3', ETCD_UNSUPPORTED_ARCH: unsupportedArch };
      await run(program, ['snapshot', 'restore', file, ...flags, ...bump], { env });
    }
  };
}

async function startLearner({ build, folder, initialCluster }: ServerParts, etcdctl: Etcdctl): Promise<EtcdMember> {
  const [clientPort, peerPort] = (await freePorts(2)) as [number, number];
  const name = `learner${peerPort}`;
  await etcdctl(['member', 'add', name, '--learner', `--peer-urls=http://127.0.0.1:${peerPort}`]);
  const member = new EtcdMember({
    binary: build.etcd,
    name,
    folder,
    clientPort,
    peerPort,
    initialCluster: `${initialCluster},${name}=http://127.0.0.1:${peerPort}`,
    tls: false,
    flags: ['--initial-cluster-state=existing'],
  });
  member.launch();
  return member;
}
