/** Creates the objects, from a process of its own: `creator-process.js '<task as JSON>'`. One revision for each. */
import { etcdStore } from '@setpoint/etcd';
import { sharedNow } from '../store/task.ts';
import { type CreatorTask, newWidget, widgetsPrefix } from './job.ts';

const IN_FLIGHT = 64;

const task = JSON.parse(process.argv[2]!) as CreatorTask;
const store = etcdStore({ endpoints: task.endpoint, callTimeoutMs: 60_000, combineWrites: false });
await store.range({ key: 'nothing' });
const start = sharedNow();
await (task.perSecond === undefined ? createAtOnce() : createSteadily(task.perSecond));
process.send!({ perSecond: (task.count / (sharedNow() - start)) * 1000 });
await store.close();
process.disconnect();

async function create(index: number): Promise<void> {
  const { name, text } = newWidget(index);
  await store.put({ key: `${widgetsPrefix(task.prefix)}default/${name}`, value: text });
}

async function createAtOnce(): Promise<void> {
  let next = 0;
  const creators = Array.from({ length: IN_FLIGHT }, async () => {
    while (next < task.count) await create(next++);
  });
  await Promise.all(creators);
}

async function createSteadily(perSecond: number): Promise<void> {
  const creations: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const ticking = setInterval(() => {
      const due = Math.min(task.count, Math.floor(((sharedNow() - start) / 1000) * perSecond));
      while (creations.length < due) creations.push(create(creations.length));
      if (due < task.count) return;
      clearInterval(ticking);
      resolve();
    }, 1);
  });
  await Promise.all(creations);
}
