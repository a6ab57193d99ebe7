/**
 * One part of a cluster as a process: `part-process.js '<task as JSON>'`. It says `ready`, is told `begin`, later `end`,
 * answers with what it measured of itself in between, and ends.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { usedHere } from '../store/contestant.ts';
import type { PartFigures, Task } from './job.ts';
import { startEtcd3ControlPlane } from './etcd3-control-plane.ts';
import { startEtcd3Nodes } from './etcd3-nodes.ts';
import { startSetpointControlPlane, startSetpointNodes } from './setpoint-parts.ts';

const task = JSON.parse(process.argv[2]!) as Task;
const starters = {
  setpoint: { 'control-plane': startSetpointControlPlane, nodes: startSetpointNodes },
  etcd3: { 'control-plane': startEtcd3ControlPlane, nodes: startEtcd3Nodes },
};
const stop = await starters[task.contestant][task.part](task);
const delay = monitorEventLoopDelay({ resolution: 1 });
let cpuAtBegin = 0;

process.on('message', (message) => {
  if (message === 'begin') {
    cpuAtBegin = usedHere().cpuMs;
    delay.enable();
    process.send!('began');
  }
  if (message === 'end') void end();
});
process.send!('ready');

async function end(): Promise<void> {
  delay.disable();
  const { cpuMs, peakMb } = usedHere();
  const figures: PartFigures = {
    cpuMs: cpuMs - cpuAtBegin,
    peakMb,
    delayP50Ms: delay.percentile(50) / 1e6,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
  };
  await stop();
  process.send!(figures, () => process.exit(0));
}
