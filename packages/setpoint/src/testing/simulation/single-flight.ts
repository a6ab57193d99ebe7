import type { ControllerDefinition, GoneContext } from '../../runtime/index.ts';

type Run<Context> = (context: Context) => ReturnType<ControllerDefinition['reconcile']>;

/**
 * The same controllers, which tell when one of them is run for an object while it still runs for that object: what our
 * own runtime promises never to do within a process. One set of controllers is one process's.
 */
export function watchSingleFlight(
  controllers: readonly ControllerDefinition[],
  onOverlap: (message: string) => void,
): readonly ControllerDefinition[] {
  return controllers.map((controller) => {
    const running = new Set<string>();
    const one =
      <Context extends Pick<GoneContext, 'key'>>(run: Run<Context>): Run<Context> =>
      async (context) => {
        const { key } = context;
        if (running.has(key)) onOverlap(`${controller.name} is run for ${key} while it still runs for it`);
        running.add(key);
        try {
          return await run(context);
        } finally {
          running.delete(key);
        }
      };
    const { reconcile, finalize, gone } = controller;
    return { ...controller, reconcile: one(reconcile), finalize: finalize && one(finalize), gone: gone && one(gone) };
  });
}
