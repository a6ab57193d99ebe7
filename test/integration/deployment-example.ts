import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ChildProgram } from '../harness/child-program.ts';

/** Where the built programs of examples/deployment are. */
export const built = fileURLToPath(new URL('../../examples/deployment/dist/', import.meta.url));
export const manifests = fileURLToPath(new URL('../../examples/deployment/manifests/', import.meta.url));

if (!existsSync(`${built}main.js`)) throw new Error(`${built}main.js is missing: run "npm run build" first`);

/** One program of the example as a process of its own. */
export class ExampleProgram extends ChildProgram {
  constructor(
    program: string,
    programArguments: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    super([`${built}${program}`, ...programArguments], { ...withoutEtcd(process.env), ...environment });
  }
}

function withoutEtcd({ ETCD_ENDPOINTS: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment;
}
