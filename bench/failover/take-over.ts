import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LeaderElector, type LeaderElectionOptions } from 'setpoint/coordination';
import type { Store } from 'setpoint/store';
import type { LeadersSetup } from './leader-process.ts';

export type Times = Omit<LeaderElectionOptions, 'name'>;

/** A candidate behind a leader. */
export interface Successor {
  /** When it was elected, and when its first write was committed; by `performance.now`. */
  readonly committed: Promise<{ readonly electedAt: number; readonly committedAt: number }>;
  stop(): void;
}

/** Stands for election behind whoever leads, and writes as soon as it leads. */
export function succeed(store: Store, options: LeaderElectionOptions): Successor {
  const over = new AbortController();
  // On a busy machine a successor may itself be deposed before it has written; then it stands again.
  const committed = (async () => {
    let electedAt = 0;
    for (;;) {
      const elector = new LeaderElector({ ...options, store });
      elector.run(over.signal).catch(() => {});
      const { ownership } = await elector.whenLeading();
      electedAt ||= performance.now();
      const put = { key: `/failover/${options.name}`, value: '' };
      const written = await ownership.store.put(put).then(
        () => performance.now(),
        () => undefined,
      );
      if (written !== undefined) return { electedAt, committedAt: written };
    }
  })();
  committed.catch(() => {}); // told to whoever awaits it
  return { committed, stop: () => over.abort() };
}

export interface TakeOverOptions {
  /** The successors' store. */
  readonly store: Store;
  readonly times: Times;
  /** `kill`: SIGKILL to the leaders' process. `resign`: it is asked to stop. */
  readonly end: 'kill' | 'resign';
}

const START_MAX_MS = 60_000;
const RESIGN_WITHIN_MS = 15_000;

/** A process that leads some elections. */
export interface Leaders {
  readonly names: readonly string[];
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;
}

/** Resolves when it leads all of them. */
export async function startLeaders(setup: LeadersSetup): Promise<Leaders> {
  const child = fork(fileURLToPath(new URL('./leader-process.js', import.meta.url)), [JSON.stringify(setup)]);
  const exit = once(child, 'exit');
  try {
    await leading(child);
    return { names: setup.names, child, exit };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** The process goes; gives back how long each of its elections had no leader that had written, in milliseconds. */
export async function takeOver({ names, child, exit }: Leaders, options: TakeOverOptions): Promise<number[]> {
  const { store, times, end } = options;
  const successors: Successor[] = [];
  try {
    successors.push(...names.map((name) => succeed(store, { ...times, name })));
    // Until they stand in line, and then anywhere between two renewals. Resignations are over so quickly that many at one
    // moment would wait for each other.
    await wait(1000 + Math.random() * (end === 'kill' ? times.retryPeriodMs! : RESIGN_WITHIN_MS));
    const goneAt = performance.now();
    if (end === 'kill') child.kill('SIGKILL');
    else child.send('stop');
    const all = await Promise.all(successors.map(({ committed }) => committed));
    return all.map(({ committedAt }) => committedAt - goneAt);
  } finally {
    for (const successor of successors) successor.stop();
    child.kill('SIGKILL');
    await exit;
  }
}

function leading(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no leaders within ${START_MAX_MS} ms`)), START_MAX_MS);
    child.once('message', () => {
      clearTimeout(timer);
      resolve();
    });
    child.once('exit', (code) => reject(new Error(`the leaders' process ended with code ${code}`)));
  });
}
