import type { Controller } from '../controller/index.ts';
import type { Informer } from '../informer/index.ts';
import type { Clock } from '../internal/clock.ts';
import type { Metrics } from '../internal/metrics.ts';
import { checkAll, type DebugPages, type HealthCheck, HealthServer, type Manager } from '../manager/index.ts';
import { describeController } from './controller-runnable.ts';
import type { KindCaches } from './kind-caches.ts';

export interface HealthOptions {
  /** 0 lets the system choose; `healthUrl()` tells. */
  readonly port: number;
  /** Default 127.0.0.1. Elsewhere than on loopback `/debug` is off unless `debugAnywhere`. */
  readonly host?: string;
  /** Names under which it may be asked, beside addresses and localhost. */
  readonly allowedHosts?: readonly string[];
  /** Serves `/debug`, which shows keys and can take a CPU profile, to whoever reaches the host. Default false. */
  readonly debugAnywhere?: boolean;
}

/** What of a control plane its health tells of. */
export interface HealthParts {
  readonly manager: Manager;
  readonly caches: KindCaches;
  readonly controllers: readonly Controller[];
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A connection that breaks and comes back within seconds must not take replicas out of service. */
const STALLED_MAX_MS = 30_000;

/**
 * The health endpoint of a control plane. Readiness is off while it starts or stops, while a cache is stalled or its handlers
 * are held after a mass delete, and while a runnable such as a lease says that it is not well; each is named. The process is live as long as it answers.
 */
export function healthServer(options: HealthOptions, parts: HealthParts): HealthServer {
  const { manager, caches, controllers, metrics, clock } = parts;
  const fresh: HealthCheck = () =>
    checkAll(caches.list().map(({ informer }) => [informer.name, () => checkFresh(informer, clock)]));
  return new HealthServer({
    ...options,
    clock,
    ready: { manager: manager.checks.manager, caches: fresh, runnables: manager.checks.runnables },
    metrics: () => metrics.render(),
    debug: debugPages(manager, controllers),
  });
}

type Freshness = Pick<Informer<unknown>, 'hasSynced' | 'held' | 'phase' | 'stalledSince'>;

function checkFresh(informer: Freshness, clock: Clock): void {
  const { hasSynced, held, phase, stalledSince } = informer;
  const stalledMs = stalledSince === undefined ? 0 : clock.now() - stalledSince;
  if (stalledMs >= STALLED_MAX_MS) throw new Error(`stalled for ${Math.round(stalledMs / 1000)} s (${phase})`);
  if (held) throw new Error('held since most of it went at once: look, then call release() on its informer');
  if (!hasSynced) throw new Error(`not complete (${phase})`);
}

function debugPages(manager: Manager, controllers: readonly Controller[]): DebugPages {
  return {
    runnables: () => ({ state: manager.state, runnables: manager.status() }),
    informers: () => manager.debug()['informers'] ?? [],
    queues: ({ limit }) => controllers.map((controller) => describeController(controller, limit)),
    leases: () => manager.debug()['leases'] ?? [],
  };
}
