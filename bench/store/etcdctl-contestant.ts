import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Contestant, Tally } from './contestant.ts';

/** The kernel counts a process's CPU time in hundredths of a second. */
const TICK_MS = 10;
const LOOK_EVERY_MS = 5;
const LINES_PER_EVENT = 3;
/** Its own limit of 5 s for a list is too short on a machine that does other things too. */
const COMMAND_TIMEOUT = '--command-timeout=60s';

/** etcd's own command line, written in Go. What it uses is read off the system, where that is Linux. */
export class EtcdctlContestant implements Contestant {
  readonly #program: string;
  readonly #endpoint: string;
  #child: ChildProcess | undefined;
  #used: ReturnType<Contestant['used']> = { cpuMs: undefined, peakMb: undefined };

  constructor(program: string, endpoint: string) {
    this.#program = program;
    this.#endpoint = endpoint;
  }

  async prepare(): Promise<void> {}

  /** Starting the program is part of the time; the keys are not counted but dropped. */
  async list(prefix: string): Promise<number> {
    const child = this.#start(['get', '--prefix', prefix], 'ignore');
    const looking = setInterval(() => this.used(), LOOK_EVERY_MS);
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    clearInterval(looking);
    if (code !== 0) throw new Error(`etcdctl get ended with ${code}`);
    return Number.NaN;
  }

  async watch(prefix: string, startRevision: bigint, tally: Tally): Promise<void> {
    const child = this.#start(['watch', '--prefix', prefix, `--rev=${startRevision}`], 'pipe');
    let [line, rest] = [0, Buffer.alloc(0)];
    for await (const chunk of child.stdout!) {
      const text = Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
        // PUT, the key, the value.
        if (line++ % LINES_PER_EVENT === LINES_PER_EVENT - 1) tally.count(text.subarray(start, end));
        start = end + 1;
      }
      rest = text.subarray(start);
      if (tally.full) break;
    }
    if (!tally.full) throw new Error('etcdctl watch ended early');
    this.used();
  }

  used(): ReturnType<Contestant['used']> {
    try {
      const stat = readFileSync(`/proc/${this.#child!.pid}/stat`, 'utf8');
      const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const status = readFileSync(`/proc/${this.#child!.pid}/status`, 'utf8');
      const peakKb = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
      // A process that has ended and was not waited for yet has no memory any more.
      const peakMb = peakKb === undefined ? this.#used.peakMb : Number(peakKb) / 1024;
      this.#used = { cpuMs: (Number(user) + Number(system)) * TICK_MS, peakMb };
    } catch {
      // It has ended, or this is not Linux: what was seen last counts.
    }
    return this.#used;
  }

  async close(): Promise<void> {
    this.#child?.kill('SIGKILL');
  }

  #start(args: readonly string[], stdout: 'ignore' | 'pipe'): ChildProcess {
    const env = { ...process.env, ETCDCTL_API: '3' };
    this.#child = spawn(this.#program, [`--endpoints=${this.#endpoint}`, COMMAND_TIMEOUT, ...args], {
      stdio: ['ignore', stdout, 'inherit'],
      env,
    });
    process.once('exit', () => this.#child?.kill());
    return this.#child;
  }
}
