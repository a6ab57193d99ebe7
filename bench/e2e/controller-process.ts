/**
 * A process of its own for each measured controller: `controller-process.js '<task as JSON>'`. It says `ready` when the
 * controller works, and sends its figures when the last status is written.
 */
import type { ControllerTask } from './job.ts';
import { startEtcd3 } from './etcd3-controller.ts';
import { startSetpoint } from './setpoint-controller.ts';
import { Tally } from './tally.ts';

const task = JSON.parse(process.argv[2]!) as ControllerTask;
const tally = new Tally(task.count);
const start = task.contestant === 'setpoint' ? startSetpoint : startEtcd3;
const controller = await start(task, tally);
process.send!('ready');
await tally.full;
process.send!(tally.figures());
await controller.stop();
process.disconnect();
