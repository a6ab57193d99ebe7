/** `writes-process.js '<task as JSON>'`: writes as fast as it can and sends its figures to its parent. */
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import type { WriteFigures, WriteTask } from './write-task.ts';

const task = JSON.parse(process.argv[2]!) as WriteTask;
const store = etcdStore({ endpoints: task.endpoint, combineWrites: task.way === 'combined' });
const value = new Uint8Array(task.valueBytes).fill(120);
let [going, measuring] = [true, false];
const latencies: number[] = [];

const writers = Array.from({ length: task.writers }, (_, index) => keepWriting(`/writes/${process.pid}/${index}`));
await wait(task.warmUpMs);
measuring = true;
const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()];
await wait(task.measureMs);
measuring = going = false;
const [tookMs, cpu] = [performance.now() - startedAt, process.cpuUsage(cpuBefore)];
await Promise.all(writers);
await store.close();
process.send!(figures());
process.disconnect();

/** Each write requires that the key is as the one before has left it. */
async function keepWriting(key: string): Promise<void> {
  let operand = 0n;
  while (going) {
    const sentAt = performance.now();
    const compares = [{ key, target: 'mod', operator: '=', operand } as const];
    const { succeeded, revision } = await store.txn({ compares, then: [{ put: { key, value } }] });
    if (!succeeded) throw new Error(`${key} was not as this writer left it`);
    operand = revision;
    if (measuring) latencies.push(performance.now() - sentAt);
  }
}

function figures(): WriteFigures {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const count = latencies.length;
  return {
    perSecond: count / (tookMs / 1000),
    cpuUs: (cpu.user + cpu.system) / count,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}
