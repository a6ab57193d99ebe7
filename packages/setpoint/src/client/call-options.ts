import type { CallOptions } from '../store/index.ts';

/** The part of some options that a store call takes. */
export function callOptions({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal ? { signal } : {}), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
