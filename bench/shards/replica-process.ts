import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createManager, defineController } from 'setpoint';
import { Job, type ReplicaSetup, type WorkLine } from './job.ts';

const setup = JSON.parse(process.argv[2]!) as ReplicaSetup;
const record = setup.record === undefined ? undefined : openSync(setup.record, 'a');
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
const note = (line: WorkLine): void => {
  if (record !== undefined) writeSync(record, `${JSON.stringify(line)}\n`);
};
let count = 0;

const jobs = defineController(Job, {
  concurrency: setup.workers,
  async reconcile({ key, object, status, fencingToken, signal }) {
    note({ key, at: now(), type: 'began' });
    let wrote = false;
    try {
      await wait(setup.ioMs);
      await status({ runs: (object.status?.runs ?? 0) + 1, token: String(fencingToken) });
      wrote = true;
      count++;
    } finally {
      note({ key, at: now(), type: 'ended', wrote });
    }
    return signal.aborted ? undefined : { requeueAfterMs: setup.againMs };
  },
});
const manager = createManager({
  store: etcdStore({ endpoints: setup.endpoint }),
  controllers: [jobs],
  garbageCollection: false,
  sharding: {
    name: 'bench',
    slots: setup.slots,
    identity: setup.identity,
    leaseDurationMs: setup.leaseDurationMs,
    drainTimeoutMs: 3000,
  },
});
let last = process.cpuUsage();
setInterval(() => {
  const used = process.cpuUsage(last);
  last = process.cpuUsage();
  process.send!({ count, cpuMs: (used.user + used.system) / 1000 });
  count = 0;
}, 1000);
process.on('disconnect', () => process.exit(0));
await manager.run();
process.exit(0);
