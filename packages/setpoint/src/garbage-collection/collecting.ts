import type { Client } from '../client/index.ts';
import type { Logger } from '../internal/logger.ts';
import type { OwnerGraph } from './owner-graph.ts';

/** What one look at an object works with. */
export interface Collecting {
  readonly graph: OwnerGraph;
  readonly client: Client;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}
