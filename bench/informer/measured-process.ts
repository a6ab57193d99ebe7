/** A process of its own for each measurement: `measured-process.js '<task as JSON>'` talks to its parent. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { ClientNodeContestant } from './client-node-contestant.ts';
import { peakMemoryMb } from '../peak-memory.ts';
import type { Contestant } from './contestant.ts';
import type { Failure, Figures, Task } from './task.ts';
import { SetpointContestant } from './setpoint-contestant.ts';
const task = JSON.parse(process.argv[2]!) as Task;
const contestant: Contestant =
  task.contestant === 'client-node' ? new ClientNodeContestant(task) : new SetpointContestant(task);
const answer: Figures | Failure = await measure().catch((error: unknown) => ({ failed: String(error) }));
process.send!({ answer }, () => process.exit());
async function measure(): Promise<Figures> {
  const before = usedBytes();
  const peakBefore = process.memoryUsage().rss;
  const sync = await measured(() => contestant.sync());
  const peak = peakMemoryMb() * 1024 * 1024;
  await settle();
  const kept = usedBytes();
  check();
  const events = await measured(receive);
  check();
  const grown = usedBytes() - kept;
  await contestant.stop();
  return {
    syncMs: sync.ms,
    syncCpuMs: sync.cpuMs,
    syncPeakMb: (peak - peakBefore) / 1e6,
    syncDelayP99Ms: sync.delayP99Ms,
    syncDelayMaxMs: sync.delayMaxMs,
    bytesPerObject: (kept - before) / task.keys,
    eventsMs: events.ms,
    eventsCpuMs: events.cpuMs,
    eventsDelayP99Ms: events.delayP99Ms,
    eventsGrowthMb: grown / 1e6,
  };
}
/** The parent has the server send; over when every handler was told of every event. */
async function receive(): Promise<void> {
  process.send!({ ready: true });
  while (contestant.updates() < task.events) await wait(1);
}
/** What the last calls hold on to while they return is nothing that is kept. */
async function settle(): Promise<void> {
  await wait(200);
}
async function measured(work: () => Promise<void>) {
  // Once a millisecond it looks how late it is.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  return { ms, cpuMs: (user + system) / 1000, delayP99Ms: delay.percentile(99) / 1e6, delayMaxMs: delay.max / 1e6 };
}
function usedBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  for (let times = 0; times < 3; times++) gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
function check(): void {
  const { all, indexed } = contestant.size();
  if (all !== task.keys) throw new Error(`${all} objects of ${task.keys} are cached`);
  if (indexed !== Math.floor(task.keys / 100)) throw new Error(`${indexed} objects are found by the index`);
}
