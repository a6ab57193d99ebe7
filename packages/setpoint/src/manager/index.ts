/**
 * # Manager
 *
 * Owns lifecycle. Everything long-lived is a `Runnable`: `run(signal)` resolves when it was asked to stop and rejects
 * when it is broken. The manager starts groups of them and stops them in the order of one array, `lifeOrder`.
 * It knows nothing of controllers, caches or stores.
 *
 * Promised: a group starts when the one before is ready; one broken runnable stops all; whatever does not stop within
 * the graceful time-out is named in the error, with what it was busy with.
 *
 * ```ts
 * const manager = new Manager({ gracefulTimeoutMs: 10_000 });
 * manager.add(new HealthServer({ port: 8080 }), { group: 'http' });
 * manager.add(informer, { group: 'caches' });
 * manager.add(controller, { group: 'leader-elected' });
 * await manager.run(); // until SIGTERM
 * ```
 *
 * Next: `runnable.ts`, then `life-order.ts`, then `manager.ts`
 */
export type { DebugPages, DebugQuery } from './debug-pages.ts';
export { HealthServer, type HealthServerOptions } from './health-server.ts';
export { type GroupName, lifeOrder, startOrder, stopOrder } from './life-order.ts';
export { type Leadership, Manager, type ManagerOptions, type ManagerState } from './manager.ts';
export { checkAll } from './run-checks.ts';
export { type HealthCheck, nameOf, type Runnable, type RunnableStatus } from './runnable.ts';
