import { EventEmitter } from 'eventemitter3';

type Listener = (payload: unknown) => unknown;

/**
 * Typed events whose listeners can't hurt each other or the emitter: eventemitter3 stops at the first listener that
 * throws, and drops an `error` nobody listens to. `Events` maps each event's name to its payload.
 *
 * Whatever a listener throws, or rejects with later, goes to `fallback`, and so does the payload of an `error` event
 * without a listener. `fallback` must not throw.
 */
export class IsolatedEmitter<Events extends object> {
  readonly #emitter = new EventEmitter();
  readonly #fallback: (error: unknown, event: string) => void;

  constructor(fallback: (error: unknown, event: string) => void) {
    this.#fallback = fallback;
  }

  /** Listens until the returned function is called. A listener added while an event is told hears the next one. */
  on<Name extends keyof Events & string>(event: Name, listener: (payload: Events[Name]) => unknown): () => void {
    // A wrapper of its own for each registration, so that removing one leaves others of the same function alone.
    const registered: Listener = (payload) => listener(payload as Events[Name]);
    this.#emitter.on(event, registered);
    return () => void this.#emitter.off(event, registered);
  }

  /** Whether anybody would be told. */
  hears(event: keyof Events & string): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  /** Tells every listener in the order of registration, and returns when all were called. Never throws. */
  emit<Name extends keyof Events & string>(event: Name, payload: Events[Name]): void {
    const listeners = this.#emitter.listeners(event) as Listener[];
    if (listeners.length === 0 && event === 'error') this.#fallback(payload, event);
    for (const listener of listeners) {
      try {
        const outcome = listener(payload);
        if (outcome instanceof Promise) outcome.catch((error: unknown) => this.#fallback(error, event));
      } catch (error) {
        this.#fallback(error, event);
      }
    }
  }
}
