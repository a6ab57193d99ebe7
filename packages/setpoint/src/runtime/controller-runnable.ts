import type { Controller } from '../controller/index.ts';
import type { Runnable } from '../manager/index.ts';

/** So many keys are named where a sentence is made of them. */
const NAMED_MAX = 5;

/** A controller as the manager runs it: it says which keys it is busy with, and which of them don't come back. */
export function controllerRunnable(controller: Controller): Runnable {
  return {
    name: controller.name,
    run: (signal) => controller.run(signal),
    ready: () => controller.ready(),
    busyWith: () => named(controller.running().map(({ key, runningMs }) => `${key} for ${seconds(runningMs)}`)),
    health: () => {
      const overdue = controller.running().filter((attempt) => attempt.overdue);
      if (overdue.length === 0) return undefined;
      const which = named(overdue.map(({ key, runningMs }) => `${key} for ${seconds(runningMs)}`));
      return `its reconciler ignores its signal and has not returned: ${which.join(', ')}`;
    },
  };
}

/** A controller's queue as the debug pages show it: `limit` keys of it, with why they are there. */
export function describeController(controller: Controller, limit: number): object {
  const { name, concurrency, paused, pausedScopes, queue } = controller;
  return {
    controller: name,
    concurrency,
    paused,
    pausedScopes,
    ready: queue.length,
    delayed: queue.waiting,
    processing: queue.processing,
    running: controller.running().slice(0, limit),
    keys: queue.inspect(limit),
  };
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;

function named(which: readonly string[]): readonly string[] {
  if (which.length <= NAMED_MAX) return which;
  return [...which.slice(0, NAMED_MAX), `and ${which.length - NAMED_MAX} more`];
}
