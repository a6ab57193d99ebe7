/**
 * `npm start`: the whole example in one process, step by step, each step verified from the outside. Ends with exit code
 * 0 only if all of them held. With ETCD_ENDPOINTS on a real etcd, otherwise on a store in memory. With `--keep` it then
 * stays, applies `manifests/*.yaml`, and applies them again when they are edited.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Store, systemClock, systemRandom } from 'setpoint';
import { ownPrograms } from './agent/leftovers.ts';
import { startCluster } from './cluster.ts';
import { keepApplying } from './keep.ts';
import { openStore } from './open-store.ts';
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
  readonly keep: boolean;
  readonly screen: Screen;
  readonly stop: AbortSignal;
}

/** Starts the cluster, plays the scenario on it, and stops it, whatever happened. */
async function play({ store, prefix, keep, screen, stop }: Run): Promise<void> {
  const over = new AbortController();
  const { client, processes, running } = startCluster({ store, prefix, nodes: NODES, signal: over.signal });
  const outside = new Outside(client, async () => (await Promise.all(NODES.map(ownPrograms))).flat());
  const show = new Show('helloworld on setpoint', screen, processes);
  const playing = async (): Promise<void> => {
    const manifest = join(MANIFESTS, 'helloworld.yaml');
    await show.play(scenario, { client, outside, manifest, signal: stop, pids: new Set() });
    if (!keep) return;
    show.say(`Applying ${MANIFESTS}/*.yaml, and again when they are edited. Ctrl-C ends it.`);
    await keepApplying(client, MANIFESTS, (line) => show.say(line), stop);
  };
  try {
    await Promise.race([playing(), running]);
  } finally {
    over.abort();
    await running;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  const startedAt = systemClock.now();
  const stop = stopSignal();
  const store = await openStore();
  const prefix = `/setpoint-example/${systemRandom.uuid()}`;
  const screen = createScreen();
  try {
    await play({ store, prefix, keep: values.keep, screen, stop });
    screen.say(`All ${scenario.length} steps held, in ${((systemClock.now() - startedAt) / 1000).toFixed(1)} s.`);
    return 0;
  } catch (error) {
    if (stop.aborted) return 130;
    screen.say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    screen.close();
    await store.delete({ prefix: `${prefix}/` });
    await store.close();
  }
}

runProgram(main);
