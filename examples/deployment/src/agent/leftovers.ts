import { setTimeout as sleep } from 'node:timers/promises';
import { environmentVariable, processIds, sendSignal, startTime } from './process-table.ts';

/**
 * Every program that an agent starts carries a mark in its environment: which agent of which node started it. That is
 * how an agent that was killed is cleaned up after: the next one finds the marks whose agent is no longer alive. No
 * file has to be kept in step with the truth, and there is no moment between starting a program and noting it down.
 *
 * Where there is no /proc nothing is found, and a replica then ends only by its own habit of stopping when its channel
 * to the agent closes.
 */
export const MARK = 'SETPOINT_AGENT';

/** The mark of the agent of `node` that runs in this process. */
export function agentMark(node: string): string {
  return `${node}/${process.pid}/${startTime(process.pid) ?? 'unknown'}`;
}

/** What the agent of `node` in this process has running. */
export function ownPrograms(node: string): number[] {
  const own = agentMark(node);
  return [...programsOf(node)].filter(([, mark]) => mark === own).map(([pid]) => pid);
}

/** Everything that agents of `node`, alive or dead, have started and that still runs, with its mark. */
export function programsOf(node: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const pid of processIds()) {
    const mark = environmentVariable(pid, MARK);
    if (mark?.startsWith(`${node}/`)) found.set(pid, mark);
  }
  return found;
}

/** Whether the agent with this mark, of this machine, still runs. Where there is no /proc: that it may. */
export function isMarkAlive(mark: string): boolean {
  const [, agentPid, agentStart] = mark.split('/');
  return agentStart === 'unknown' || startTime(Number(agentPid)) === agentStart;
}

/** What a dead agent of `node` has left behind. */
export function leftovers(node: string): number[] {
  const found: number[] = [];
  for (const [pid, mark] of programsOf(node)) {
    if (!isMarkAlive(mark)) found.push(pid);
  }
  return found;
}

/** Ends what a dead agent of `node` has left behind; resolves with the pids when none of them runs any more. */
export async function endLeftovers(node: string, graceMs = 1_000): Promise<number[]> {
  const found = leftovers(node);
  const deadline = performance.now() + graceMs;
  for (const pid of found) sendSignal(pid, 'SIGTERM');
  for (let left = found; left.length > 0; left = leftovers(node)) {
    if (performance.now() > deadline) left.forEach((pid) => sendSignal(pid, 'SIGKILL'));
    await sleep(20);
  }
  return found;
}
