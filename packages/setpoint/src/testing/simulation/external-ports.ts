import type { Externals } from './world-options.ts';

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
