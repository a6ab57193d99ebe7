/**
 * # Manager
 *
 * Owns lifecycle. Everything long-lived is a `Runnable`: `run(signal)` resolves when it was asked to stop and rejects
 * when it is broken. The manager starts groups of them in one order and stops them in another, both printable arrays.
 * It knows nothing of controllers, caches or stores.
 *
 * Promised: a group starts when the one before is ready; one broken runnable stops all; whatever does not stop within
 * the graceful time-out is named in the error.
 *
 * ```ts
 * const manager = new Manager({ gracefulTimeoutMs: 10_000 });
 * manager.add(new HealthServer({ port: 8080 }), { group: 'http' });
 * manager.add(informer, { group: 'caches' });
 * manager.add(controller, { group: 'leader-elected' });
 * await manager.run(); // until SIGTERM
 * ```
 *
 * Next: `runnable.ts`, then `runnable-group.ts`, then `manager.ts`
 */
export { type HealthCheck, HealthServer, type HealthServerOptions } from './health-server.ts';
export { type GroupName, Manager, type ManagerOptions, type ManagerState, startOrder, stopOrder } from './manager.ts';
export { nameOf, type Runnable } from './runnable.ts';
