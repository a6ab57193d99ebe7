/** A process of its own for each measurement: `measured-process.js '<task as JSON>'` sends its figures to its parent. */
import { type Contestant, Tally } from './contestant.ts';
import { Etcd3Contestant } from './etcd3-contestant.ts';
import { EtcdctlContestant } from './etcdctl-contestant.ts';
import { SetpointContestant } from './setpoint-contestant.ts';
import { type Figures, sharedNow, type Task } from './task.ts';

// Nobody waits for the figures any more, or they were sent: what still runs would run for ever.
process.once('disconnect', () => process.exit());

const task = JSON.parse(process.argv[2]!) as Task;
const contestant = contestantFor(task);
await contestant.prepare();
const figures = await measure();
await contestant.close();
process.send!(figures);
process.disconnect();

async function measure(): Promise<Figures> {
  const before = contestant.used().cpuMs ?? 0;
  const start = sharedNow();
  const tally = new Tally(task.count, task.what === 'live');
  if (task.what === 'list') {
    const count = await contestant.list(task.prefix);
    if (!Number.isNaN(count) && count !== task.count) throw new Error(`listed ${count} keys of ${task.count}`);
  } else {
    await contestant.watch(task.prefix, BigInt(task.startRevision), tally);
  }
  const wallMs = sharedNow() - start;
  const { cpuMs, peakMb } = contestant.used();
  return { wallMs, cpuMs: cpuMs === undefined ? undefined : cpuMs - before, peakMb, ...tally.percentiles() };
}

function contestantFor({ contestant: name, endpoint, etcdctl }: Task): Contestant {
  switch (name) {
    case 'setpoint':
    case 'setpoint, no fragments':
      return new SetpointContestant(endpoint, { watchFragments: name === 'setpoint' });
    case 'etcd3':
    case 'etcd3, one call':
      return new Etcd3Contestant(endpoint, { paged: name === 'etcd3' });
    case 'etcdctl':
      return new EtcdctlContestant(etcdctl, endpoint);
  }
}
