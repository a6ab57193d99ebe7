import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from './reset-socket.ts';

/**
 * The network between the members of a cluster. Each member is reached by the others through a port of the mesh; who
 * calls is read from the header in which members introduce themselves.
 */
export interface PeerMesh {
  /** The ports to advertise, one for each member. */
  readonly ports: readonly number[];
  /** Cuts one member off from all others, both ways, until `heal`. Give its member id as etcd prints it: hexadecimal. */
  isolate(index: number, memberId: string): void;
  heal(): void;
  dispose(): Promise<void>;
}

interface Link {
  readonly to: number;
  from: string | undefined;
  readonly sockets: readonly Socket[];
}

/** How members name themselves to each other. */
const SENDER = /^x-server-from: *([0-9a-f]+)/im;

/** Starts a mesh in front of the members' own peer ports. */
export async function startPeerMesh(peerPorts: readonly number[]): Promise<PeerMesh> {
  const links = new Set<Link>();
  let isolated: { readonly index: number; readonly memberId: string } | undefined;
  const cutOff = (link: Link): boolean =>
    isolated !== undefined && (link.to === isolated.index || link.from === isolated.memberId);
  const end = (link: Link): void => {
    links.delete(link);
    link.sockets.forEach(resetSocket);
  };

  const serve = (to: number): Server =>
    createServer((client) => {
      const upstream = connect({ port: peerPorts[to]!, host: '127.0.0.1' });
      const link: Link = { to, from: undefined, sockets: [client, upstream] };
      links.add(link);
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        socket.on('error', () => end(link));
        socket.on('close', () => end(link));
        socket.on('data', (bytes: Buffer) => {
          if (socket === client) link.from ??= SENDER.exec(bytes.toString('latin1'))?.[1];
          if (cutOff(link)) end(link);
          else other.write(bytes);
        });
      }
    });
  const servers = peerPorts.map((_, index) => serve(index));
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  return {
    ports: servers.map((server) => (server.address() as AddressInfo).port),
    isolate(index, memberId) {
      isolated = { index, memberId };
      [...links].filter(cutOff).forEach(end);
    },
    heal: () => (isolated = undefined),
    async dispose() {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
      [...links].forEach(end);
      await Promise.all(closed);
    },
  };
}
