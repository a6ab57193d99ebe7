import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type EtcdBuild, findEtcd, unsupportedArch } from '../../scripts/etcd.mjs';
import { availableEtcds } from '../harness/etcd-server.ts';
import { freePorts } from '../harness/free-ports.ts';

/** docker-compose.yml can't be run where there is no docker; its flags and its health check can. */
interface Service {
  readonly image: string;
  readonly profiles?: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: { readonly test: readonly string[]; readonly interval: string; readonly retries: number };
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
}

const file = await readFile(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
const compose = parse(file, { merge: true }) as {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, null>;
};
const namesOf = (profile: string | undefined): string[] =>
  Object.keys(compose.services).filter((name) => compose.services[name]!.profiles?.[0] === profile);

/** The newest that is here; the image is newer still, and takes the same flags. */
const build = await findEtcd((await availableEtcds()).at(-1)!);

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
const run = promisify(execFile);
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One container's place on this machine: its ports behind loopback ports, its volume a folder. */
interface Place {
  readonly name: string;
  readonly folder: string;
  readonly ports: ReadonlyMap<number, number>;
}

async function placesFor(names: readonly string[]): Promise<Place[]> {
  const folder = await mkdtemp(join(tmpdir(), 'setpoint-compose-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const ports = await freePorts(names.length * 2);
  return names.map((name, i) => ({
    name,
    folder: join(folder, name),
    ports: new Map([
      [CLIENT_PORT, ports[2 * i]!],
      [PEER_PORT, ports[2 * i + 1]!],
    ]),
  }));
}

/**
 * What an argument of `own` means on this machine: addresses inside the container, addresses of other containers, and
 * addresses that are published on the host, each at its loopback port. An address that leads nowhere fails the test.
 */
function onThisMachine(argument: string, own: Place, places: readonly Place[]): string {
  return argument.replaceAll(/http:\/\/([\w.-]+):(\d+)/g, (address, host: string, port: string) => {
    const mapped = portFor(host, Number(port), own, places);
    if (mapped === undefined) throw new Error(`${own.name}: ${address} leads nowhere`);
    return `http://127.0.0.1:${mapped}`;
  });
}

function portFor(host: string, port: number, own: Place, places: readonly Place[]): number | undefined {
  const named = places.find(({ name }) => name === host);
  if (named || host === '0.0.0.0' || own.ports.has(port)) return (named ?? own).ports.get(port);
  return places.find(({ name }) => publishedPort(name) === port)?.ports.get(CLIENT_PORT);
}

/** The loopback port at which a service's client port is published. */
function publishedPort(name: string): number | undefined {
  const [, host, container] = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(compose.services[name]!.ports[0] ?? '') ?? [];
  return Number(container) === CLIENT_PORT ? Number(host) : undefined;
}

function launch(place: Place, places: readonly Place[]): void {
  const [program = '', ...flags] = compose.services[place.name]!.command;
  const [, target = ''] = compose.services[place.name]!.volumes[0]!.split(':');
  const args = flags.map((flag) => onThisMachine(flag.replace(`=${target}`, `=${place.folder}`), place, places));
  expect(args, 'the data is in the volume').toContain(`--data-dir=${place.folder}`);
  const child = spawn(programOf(build, program), args, {
    stdio: 'ignore',
    env: { ...process.env, ETCD_UNSUPPORTED_ARCH: unsupportedArch },
  });
  cleanups.push(() => end(child));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

const programOf = (from: EtcdBuild, path: string): string => (basename(path) === 'etcd' ? from.etcd : from.etcdctl);

/** Runs the health check as docker would, but ten times as often: again until it passes, so many times at most. */
async function waitUntilHealthy(place: Place, places: readonly Place[]): Promise<void> {
  const { test, interval, retries } = compose.services[place.name]!.healthcheck;
  const [form, program = '', ...args] = test;
  expect(form, 'exec form: the image has no shell').toBe('CMD');
  const command = args.map((arg) => onThisMachine(arg, place, places));
  for (let attempt = 1; ; attempt++) {
    try {
      await run(programOf(build, program), command, { env: { ...process.env, ETCDCTL_API: '3' } });
      return;
    } catch (error) {
      if (attempt === retries) throw error;
      await wait(Number.parseInt(interval, 10) * 100);
    }
  }
}

async function etcdctl(place: Place, ...args: string[]): Promise<string> {
  const endpoint = `--endpoints=http://127.0.0.1:${place.ports.get(CLIENT_PORT)}`;
  const { stdout } = await run(build.etcdctl, [endpoint, ...args], { env: { ...process.env, ETCDCTL_API: '3' } });
  return stdout;
}

describe('docker-compose.yml', () => {
  it('has one etcd by default and three members in the profile cluster', () => {
    expect(namesOf(undefined)).toEqual(['etcd']);
    expect(namesOf('cluster')).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
  });

  it('pins one image and publishes on loopback, each service with a port and a volume of its own', () => {
    const services = Object.values(compose.services);
    expect(new Set(services.map(({ image }) => image)).size).toBe(1);
    expect(services[0]!.image).toMatch(/:v3\.[56]\.\d+$/);
    const published = services.map(({ ports }) => ports).flat();
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:2379$/);
    expect(new Set(published).size).toBe(services.length);
    const volumes = services.map((service) => service.volumes[0]!.split(':')[0]!);
    expect(volumes).toEqual(Object.keys(compose.volumes));
  });

  it.each([
    ['the single etcd', namesOf(undefined)],
    ['the cluster', namesOf('cluster')],
  ])('starts %s with its flags, finds it healthy, and keeps what is written', async (_what, names) => {
    const places = await placesFor(names);
    for (const place of places) launch(place, places);
    await Promise.all(places.map((place) => waitUntilHealthy(place, places)));
    const members = (await etcdctl(places[0]!, 'member', 'list')).trim().split('\n');
    expect(members).toHaveLength(places.length);
    for (const place of places) expect(members.join()).toContain(`:${place.ports.get(CLIENT_PORT)},`);
    await etcdctl(places[0]!, 'put', '/compose/greeting', 'hello');
    expect(await etcdctl(places.at(-1)!, 'get', '/compose/greeting')).toBe('/compose/greeting\nhello\n');
  });
});
