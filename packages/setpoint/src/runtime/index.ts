/**
 * # Runtime
 *
 * Where definitions meet a store. `defineController` describes: a kind, what it owns, what to do. `createManager`
 * binds any number of those to a store, with one cache per kind, and runs them.
 *
 * Promised, beyond what controllers promise: a reconcile never reads less than what the last one of its object wrote;
 * when an attempt is over, its handle to the store is too; status and owned objects are written only when they change;
 * an object with a finalizer of ours stays until `finalize` has resolved.
 *
 * ```ts
 * const websites = defineController(Website, {
 *   owns: [Server],
 *   async reconcile({ object, owned, status }) {
 *     const server = await owned(Server).apply({ name: object.metadata.name, spec: { message: object.spec.message } });
 *     await status({ ready: server.status?.pid === undefined ? 0 : 1 });
 *   },
 * });
 * await createManager({ store: memoryStore(), controllers: [websites] }).run();
 * ```
 *
 * Next: `define-controller.ts`, then `object-reconciler.ts`, then `control-plane.ts`
 */
export { consoleLogger, type ConsoleLoggerOptions, type LogLevel } from './console-logger.ts';
export { ControlPlane, createManager } from './control-plane.ts';
export type { ControlPlaneOptions } from './manager-options.ts';
export {
  type ControllerDefinition,
  type ControllerDefinitionOptions,
  defineController,
  type Watch,
} from './define-controller.ts';
export { type KeyPermission, type MinimalRole, minimalRole, type MinimalRoleOptions } from './minimal-role.ts';
export type { OwnedInput, OwnedObjects } from './owned-objects.ts';
export type { GoneContext, ReconcileContext } from './reconcile-context.ts';
export type { ReportedCondition } from './status-writer.ts';
