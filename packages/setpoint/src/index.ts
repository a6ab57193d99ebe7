/** Placeholder of the front door, curated below as folders land. */
export { createManager, defineController } from './runtime/index.ts';
export { defineResource } from './resource/index.ts';
export { memoryStore, type Store } from './store/index.ts';
