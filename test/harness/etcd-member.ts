import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecure } from 'node:https';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { processEnded, processStarted } from './leftovers.ts';
import { unsupportedArch } from '../../scripts/etcd.mjs';

/** How one member is started; the same again after every restart. */
export interface MemberSetup {
  readonly binary: string;
  readonly name: string;
  readonly folder: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** What the other members are told, where it is not the peer port itself. */
  readonly advertisedPeerPort?: number;
  readonly initialCluster: string;
  /** Serves clients over TLS: `true` with a certificate that etcd makes for itself. */
  readonly tls: boolean | ServerTls;
  readonly flags: readonly string[];
}

/** Files that a server reads anew for every connection, and what a client shows that is to be let in. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the certificates that clients have to show. */
  readonly clientCaFile: string;
  readonly client: { readonly cert: string; readonly key: string };
}

const READY_WITHIN_MS = 30_000;
const LOG_LINES_KEPT = 40;

/** One etcd process. Its ports and data outlive it, so that a restarted member is the same member. */
export class EtcdMember {
  readonly endpoint: string;
  readonly name: string;
  readonly #setup: MemberSetup;
  #process: ChildProcess | undefined;
  #log: string[] = [];

  constructor(setup: MemberSetup) {
    this.#setup = setup;
    this.name = setup.name;
    this.endpoint = `${setup.tls ? 'https' : 'http'}://127.0.0.1:${setup.clientPort}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get dataFolder(): string {
    return join(this.#setup.folder, this.name);
  }

  /** The certificate of a member that serves TLS, in PEM. */
  get certificateFile(): string {
    return join(this.dataFolder, 'fixtures', 'client', 'cert.pem');
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Starts the process without waiting for health. */
  launch(): void {
    if (this.running) return;
    const { binary, peerPort, advertisedPeerPort = peerPort, initialCluster, flags, name, tls } = this.#setup;
    const settings = {
      name,
      'data-dir': this.dataFolder,
      'listen-client-urls': this.endpoint,
      'advertise-client-urls': this.endpoint,
      'listen-peer-urls': `http://127.0.0.1:${peerPort}`,
      'initial-advertise-peer-urls': `http://127.0.0.1:${advertisedPeerPort}`,
      'initial-cluster': initialCluster,
      'initial-cluster-token': 'setpoint-test',
    };
    const args = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
    const started = spawn(binary, [...args, '--logger=zap', '--log-level=warn', ...tlsFlags(tls), ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: unsupportedArch },
    });
    this.#log = [];
    started.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = [...this.#log, ...text.split('\n').filter(Boolean)].slice(-LOG_LINES_KEPT);
    });
    started.on('error', (error) => this.#log.push(String(error)));
    this.#process = started;
    const { pid } = started;
    if (pid === undefined) return;
    processStarted(pid);
    started.once('exit', () => processEnded(pid));
  }

  /** Resolves once it says that it is healthy, which needs a leader; rejects with its log when it ends or takes long. */
  async ready(): Promise<void> {
    for (let waited = 0; waited < READY_WITHIN_MS; waited += 20) {
      if (!this.running) throw new Error(`etcd ${this.name} ended at start:\n${this.#log.join('\n')}`);
      if (await isHealthy(this.endpoint, this.#setup.tls)) return;
      await wait(20);
    }
    throw new Error(`etcd ${this.name} is not healthy after ${READY_WITHIN_MS} ms:\n${this.#log.join('\n')}`);
  }

  /** Ends it at once, as a crash does (kill -9). */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Asks it to end, and waits until it has. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Freezes the process: its connections stay up and nothing answers. It has stopped when this returns. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
    const { pid } = this;
    // Each of its threads stops when it comes to it, which on a busy machine is later.
    for (let looks = 0; pid !== undefined && looks < 5000 && !isStopped(pid); looks++) Atomics.wait(NAP, 0, 0, 1);
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends it if it runs (hard), then starts it on the same ports and data. Waits for health unless told not to. */
  async restart(options: { readonly ready?: boolean } = {}): Promise<void> {
    await this.kill();
    this.launch();
    if (options.ready !== false) await this.ready();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.#process;
    if (!ending || !this.running) return;
    const exited = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    ending.kill('SIGCONT');
    await exited;
  }
}

const NAP = new Int32Array(new SharedArrayBuffer(4));

/** Whether no thread of the process runs; true where the system does not tell. */
function isStopped(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    // After the name, which may hold anything but ends with the last parenthesis, comes the state.
    return threads.every((id) => /.*\) [TtZX]/s.test(readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1')));
  } catch {
    return true;
  }
}

function tlsFlags(tls: MemberSetup['tls']): readonly string[] {
  if (typeof tls === 'boolean') return tls ? ['--auto-tls'] : [];
  const { certFile, keyFile, clientCaFile } = tls;
  return [
    `--cert-file=${certFile}`,
    `--key-file=${keyFile}`,
    '--client-cert-auth',
    `--trusted-ca-file=${clientCaFile}`,
  ];
}

function isHealthy(endpoint: string, tls: MemberSetup['tls']): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = endpoint.startsWith('https:') ? getSecure : get;
    const shown = typeof tls === 'boolean' ? {} : tls.client;
    const options = { timeout: 1000, agent: false as const, rejectUnauthorized: false, ...shown };
    const request = ask(`${endpoint}/health`, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(body.includes('"health":"true"')));
    });
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
    // Also when an answer has begun and breaks off, which is no error of the request.
    request.on('close', () => resolve(false));
  });
}
