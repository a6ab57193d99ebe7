import { createManager, defineController } from 'setpoint';
import { etcdStore } from '@setpoint/etcd';
import { type ControllerTask, Widget } from './job.ts';
import type { Tally } from './tally.ts';
import type { RunningController } from './etcd3-controller.ts';

/** The job as a user of setpoint writes it, with all defaults. */
export async function startSetpoint(task: ControllerTask, tally: Tally): Promise<RunningController> {
  const { endpoint, prefix, workers } = task;
  const widgets = defineController(Widget, {
    concurrency: workers,
    async reconcile({ object, status }) {
      if (object.status?.observedGeneration === object.metadata.generation) return;
      tally.calling();
      await status({ seen: object.spec.stamp });
      tally.written(object.spec.stamp);
    },
  });
  const store = etcdStore({ endpoints: endpoint });
  const manager = createManager({ store, prefix, controllers: [widgets] });
  const run = manager.run(new AbortController().signal);
  await Promise.race([manager.whenReady(), run]);
  return {
    async stop() {
      await manager.stop();
      await run;
      await store.close();
    },
  };
}
