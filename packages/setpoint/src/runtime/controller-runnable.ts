import type { Controller } from '../controller/index.ts';
import type { Runnable } from '../manager/index.ts';

/** A controller as the manager runs it: it says which keys it is busy with, and which of them don't come back. */
export function controllerRunnable(controller: Controller): Runnable {
  return {
    name: controller.name,
    run: (signal) => controller.run(signal),
    ready: () => controller.ready(),
  };
}

/** A controller's queue as the debug pages show it: `limit` keys of it, with why they are there. */
export function describeController(controller: Controller, limit: number): object {
  const { name, concurrency, paused, queue } = controller;
  return {
    controller: name,
    concurrency,
    paused,
    ready: queue.length,
    delayed: queue.waiting,
    processing: queue.processing,
    keys: queue.inspect(limit),
  };
}
