/** Puts at a steady rate, from a process of its own: `writer-process.js '<task as JSON>'`. */
import { etcdStore } from '@setpoint/etcd';
import { sharedNow, stampedValue } from './task.ts';

export interface WriterTask {
  readonly endpoint: string;
  readonly prefix: string;
  readonly count: number;
  readonly perSecond: number;
  readonly valueBytes: number;
}

/** The same keys again and again, as controllers write. */
const KEYS = 1000;

// Nobody waits for the figures any more, or they were sent.
process.once('disconnect', () => process.exit());

const task = JSON.parse(process.argv[2]!) as WriterTask;
const store = etcdStore({ endpoints: task.endpoint, callTimeoutMs: 60_000, combineWrites: false });
await store.range({ key: 'nothing' });
const start = sharedNow();
const puts: Promise<unknown>[] = [];
await new Promise<void>((resolve) => {
  const ticking = setInterval(() => {
    const due = Math.min(task.count, Math.floor(((sharedNow() - start) / 1000) * task.perSecond));
    while (puts.length < due) {
      const key = task.prefix + String(puts.length % KEYS).padStart(6, '0');
      puts.push(store.put({ key, value: stampedValue(task.valueBytes) }));
    }
    if (due < task.count) return;
    clearInterval(ticking);
    resolve();
  }, 1);
});
await Promise.all(puts);
process.send!({ perSecond: (task.count / (sharedNow() - start)) * 1000 });
await store.close();
process.disconnect();
