import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createManager, defineController, generationChanged, isSetpointError } from 'setpoint';
import { Job, type ReplicaSetup, SHARDS_NAME, type WorkLine } from './job.ts';

const setup = JSON.parse(process.argv[2]!) as ReplicaSetup;
const record = setup.record === undefined ? undefined : openSync(setup.record, 'a');
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
const note = (line: WorkLine): void => {
  if (record !== undefined) writeSync(record, `${JSON.stringify(line)}\n`);
};
let [count, busyMs] = [0, 0];

const jobs = defineController(Job, {
  concurrency: setup.workers,
  // Its own status updates are no reason to run: that would be a loop, and be slowed down as one.
  predicates: [generationChanged],
  async reconcile({ key, object, status, fencingToken, signal }) {
    const began = now();
    note({ key, at: began, type: 'began' });
    try {
      await wait(setup.ioMs);
      await status({ runs: (object.status?.runs ?? 0) + 1, token: String(fencingToken) });
      count++;
      note({ key, at: now(), type: 'ended', wrote: true });
    } catch (error) {
      const code = isSetpointError(error) ? error.code : String(error);
      note({ key, at: now(), type: 'ended', wrote: false, code });
      throw error;
    } finally {
      busyMs += now() - began;
    }
    return signal.aborted ? undefined : { requeueAfterMs: setup.againMs };
  },
});
const manager = createManager({
  store: etcdStore({ endpoints: setup.endpoint }),
  controllers: [jobs],
  garbageCollection: false,
  sharding: {
    name: SHARDS_NAME,
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
  process.send!({ count, busyMs, cpuMs: (used.user + used.system) / 1000 });
  [count, busyMs] = [0, 0];
}, 500);
process.on('disconnect', () => process.exit(0));
await manager.run();
process.exit(0);
