import type { Externals, Judgement, Violation } from './world-options.ts';

type Effect = (...args: never[]) => unknown;

/** The outside world as a process reaches it: each function of it is a call that `send` makes. */
export function externalPorts(
  externals: Externals,
  send: (name: string, args: never[], effect: Effect) => Promise<unknown>,
): Externals {
  const ports: Record<string, Record<string, Effect>> = {};
  for (const [system, functions] of Object.entries(externals)) {
    const port: Record<string, Effect> = (ports[system] = {});
    for (const [name, effect] of Object.entries(functions)) {
      port[name] = (...args) => send(`${system}.${name}`, args, effect);
    }
  }
  return ports;
}

/** Counts what took effect outside for each idempotency key: more than once is once too often. */
export class EffectCounts {
  readonly #keyOf: Judgement['onceOutside'];
  readonly #onTwice: (violation: Violation) => void;
  readonly #counts = new Map<string, number>();

  constructor(keyOf: Judgement['onceOutside'], onTwice: (violation: Violation) => void) {
    this.#keyOf = keyOf;
    this.#onTwice = onTwice;
  }

  /** A call is about to take effect. */
  takes(call: string, args: readonly unknown[]): void {
    const key = this.#keyOf?.(call, args);
    if (key === undefined) return;
    const count = (this.#counts.get(`${call} ${key}`) ?? 0) + 1;
    this.#counts.set(`${call} ${key}`, count);
    if (count < 2) return;
    this.#onTwice({ oracle: 'extra-effects', message: `${call} took effect ${count} times for the key '${key}'` });
  }
}
