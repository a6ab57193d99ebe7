/**
 * `npm start`: the whole example in one process, step by step, each step verified from the outside. Ends with exit code
 * 0 only if all of them held. With ETCD_ENDPOINTS on a real etcd, otherwise on a store in memory. With `--keep` it then
 * stays, applies `manifests/*.yaml` (or those of `--manifests FOLDER`), applies them again when they are edited, and
 * serves its store to `npm run ctl` on a port of loopback (`--port`, default 7480).
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { serveStore } from '@setpoint/cli';
import { type Store, systemClock, systemRandom } from 'setpoint';
import { MemoryStore } from 'setpoint/store';
import { ownPrograms } from './agent/leftovers.ts';
import { startCluster } from './cluster.ts';
import { keepApplying } from './keep.ts';
import { openStore, SetupError } from './open-store.ts';
import { Outside } from './outside.ts';
import { runProgram } from './run-program.ts';
import { scenario } from './scenario.ts';
import { createScreen, type Screen } from './screen.ts';
import { Show } from './show.ts';
import { stopSignal } from './stop-signal.ts';

const MANIFESTS = join(import.meta.dirname, '..', 'manifests');
const NODES = ['node-1', 'node-2'];

interface Run {
  readonly store: Store;
  /** Everything this run writes is below it. */
  readonly prefix: string;
  /** The folder whose manifests are applied after the scenario, and kept applied. Undefined: the run ends with it. */
  readonly keep: string | undefined;
  /** Where the store is served while it is kept. */
  readonly port: number;
  readonly screen: Screen;
  readonly stop: AbortSignal;
}

/** Starts the cluster, plays the scenario on it, and stops it, whatever happened. Returns what there is to say of it. */
async function run({ store, prefix, keep, port, screen, stop }: Run): Promise<string> {
  const over = new AbortController();
  const { client, processes, running } = startCluster({ store, prefix, nodes: NODES, signal: over.signal });
  const show = new Show('helloworld on setpoint', screen, processes);

  const play = async (): Promise<string> => {
    const startedAt = systemClock.now();
    const outside = new Outside(client, () => NODES.flatMap(ownPrograms));
    const manifest = join(MANIFESTS, 'helloworld.yaml');
    await show.play(scenario, { client, outside, manifest, signal: stop, pids: new Set() });
    const seconds = ((systemClock.now() - startedAt) / 1000).toFixed(1);
    const verdict = `All ${scenario.length} steps held, in ${seconds} s.`;
    if (keep === undefined) return verdict;
    screen.say(
      `${verdict} Applying ${join(relative('', keep), '*.yaml')}, and again whenever they are edited. Ctrl-C ends it.`,
    );
    const server = await serveStore(store, { port });
    screen.say(`In another terminal: npm run ctl -- --server ${server.url} get deploy`);
    try {
      await keepApplying(client, keep, (line) => screen.say(line), stop);
    } finally {
      await server.close();
    }
    return 'Stopped.';
  };
  const ended = running.then(() => 'Stopped.');
  try {
    return await Promise.race([play(), ended]);
  } finally {
    over.abort();
    await running;
  }
}

const USAGE = `[ETCD_ENDPOINTS=…] npm start -- [options]

  --keep               stays, applies manifests, and applies them again when they are edited
  --manifests FOLDER   with --keep: whose *.yaml (default ${MANIFESTS})
  --port N             with --keep: of loopback, where "npm run ctl" finds the store (default 7480)`;

runProgram(USAGE, async () => {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      manifests: { type: 'string', default: MANIFESTS },
      port: { type: 'string', default: '7480' },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new SetupError(`--port: expected a number from 0 to 65535, got "${values.port}"`);
  }
  if (values.keep && !existsSync(values.manifests)) {
    throw new SetupError(`--manifests: there is no folder "${values.manifests}"`);
  }
  const stop = stopSignal();
  const store = await openStore();
  // Nobody shares a store in memory: there the keys may be where everybody looks for them.
  const prefix = store instanceof MemoryStore ? '/registry' : `/setpoint-example/${systemRandom.uuid()}`;
  const screen = createScreen();
  let verdict = 'Stopped.';
  try {
    verdict = await run({
      store,
      prefix,
      keep: values.keep ? values.manifests : undefined,
      port,
      screen,
      stop,
    });
    return 0;
  } catch (error) {
    if (stop.aborted) return 130;
    verdict = error instanceof Error ? error.message : String(error);
    return 1;
  } finally {
    screen.close();
    process.stdout.write(`${verdict}\n`);
    await store.delete({ prefix: `${prefix}/` });
    await store.close();
  }
});
