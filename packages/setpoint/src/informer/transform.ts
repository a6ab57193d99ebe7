/**
 * What the cache keeps of a decoded object: a part of it, or another form. Runs once for each new state, before the
 * state is cached and frozen; not for deletes and not again at a resync. Must be pure, so that the same state gives
 * the same. When it throws, that key is isolated as if its value could not be read, and the failure is counted.
 */
export type Transform<T, Cached> = (object: T, key: string) => Cached;
