/** Placeholder of the front door, curated below as folders land. */
export { type Client, createClient } from './client/index.ts';
export { isSetpointError, SetpointError } from './errors/index.ts';
export { createInformer, type Informer } from './informer/index.ts';
export { type Clock, sleep, systemClock } from './internal/clock.ts';
export { silentLogger, type Logger } from './internal/logger.ts';
export { type Random, systemRandom } from './internal/random.ts';
export type { Runnable } from './manager/index.ts';
export {
  type AnyResourceDefinition,
  type Condition,
  defineResource,
  nearestName,
  type ObjectOf,
  ownerReferenceTo,
  type ResourceDefinition,
  validateSpec,
} from './resource/index.ts';
export { type ControllerDefinition, createManager, defineController } from './runtime/index.ts';
export type { Source } from './source/index.ts';
export { memoryStore, type Store } from './store/index.ts';
