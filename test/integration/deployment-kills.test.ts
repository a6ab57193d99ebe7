import { setTimeout as sleep } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { createClient, type Store } from 'setpoint';
import { seededRandom } from 'setpoint/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programsOf } from '../../examples/deployment/src/agent/leftovers.ts';
import { sendSignal } from '../../examples/deployment/src/agent/process-table.ts';
import { Deployment, Process } from '../../examples/deployment/src/kinds.ts';
import { Outside, until } from '../../examples/deployment/src/outside.ts';
import { type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { ExampleProgram, manifests } from './deployment-example.ts';

const KILLS = 20;
const REPLICAS = 3;
const PATIENCE_MS = 30_000;
const NODES = [`kills-a-${process.pid}`, `kills-b-${process.pid}`];
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** The control plane and two agents, each a process of its own, each started again at once when it is killed. */
class Victims {
  readonly #programs = new Map<string, ExampleProgram>();
  readonly #environment: Record<string, string>;

  constructor(endpoints: readonly string[]) {
    this.#environment = { ETCD_ENDPOINTS: endpoints.join(',') };
    this.start('controllers');
    for (const node of NODES) this.start(node);
  }

  start(name: string): void {
    const isAgent = NODES.includes(name);
    const program = isAgent ? 'agent.js' : 'controllers.js';
    this.#programs.set(name, new ExampleProgram(program, isAgent ? ['--node', name] : [], this.#environment));
  }

  async kill(name: string): Promise<void> {
    await this.#programs.get(name)!.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.end('SIGTERM')));
  }

  /** What they said, for a test that failed. */
  get output(): string {
    return [...this.#programs].map(([name, program]) => `${name}: ${program.output}`).join('\n');
  }
}

describe(`the deployment example under kill -9 (SEED=${seed})`, () => {
  const random = seededRandom(seed);
  const stop = new AbortController();
  let etcd: EtcdServer;
  let store: Store;
  let victims: Victims;
  const runningPrograms = (): number[] => NODES.flatMap((node) => [...programsOf(node).keys()]);

  beforeAll(async () => {
    etcd = await startEtcd();
    store = etcdStore({ endpoints: etcd.endpoints });
    victims = new Victims(etcd.endpoints);
  });
  afterAll(async () => {
    stop.abort();
    await victims?.stop();
    await store?.close();
    await etcd?.dispose();
    for (const pid of runningPrograms()) sendSignal(pid, 'SIGKILL');
  });

  it(`always converges, and leaves no orphan: agents and controllers, killed ${KILLS} times during rollouts`, async () => {
    const client = createClient({ store });
    const outside = new Outside(client, runningPrograms);
    const converged = async (version: string): Promise<void> => {
      const whyNot = () => outside.whyNot('web', REPLICAS, { version, message: 'hello, world' });
      await until(whyNot, PATIENCE_MS, stop.signal).catch((error: unknown) => {
        throw new Error(`${version}: ${(error as Error).message}\n${victims.output}`, { cause: error });
      });
    };
    const rollOut = (version: string) =>
      client.resource(Deployment).apply({
        name: 'web',
        spec: { replicas: REPLICAS, template: { command: ['node', 'helloworld.js'], env: { VERSION: version } } },
      });

    await rollOut('v0');
    await converged('v0');
    for (let kill = 1; kill <= KILLS; kill++) {
      const victim = ['controllers', ...NODES][Math.floor(random.next() * 3)]!;
      await rollOut(`v${kill}`);
      await sleep(random.next() * 1_000);
      await victims.kill(victim);
      await sleep(random.next() * 200);
      victims.start(victim);
      await converged(`v${kill}`);
    }

    await client.resource(Deployment).delete({ name: 'web' });
    await until(() => outside.whyNotGone([]), PATIENCE_MS, stop.signal);
  }, 400_000);

  it('is told what to do by manifests, from yet another process', async () => {
    const outside = new Outside(createClient({ store }), runningPrograms);
    const apply = async (...programArguments: string[]): Promise<string> => {
      const environment = { ETCD_ENDPOINTS: etcd.endpoints.join(',') };
      const program = new ExampleProgram('apply.js', [...programArguments, `${manifests}helloworld.yaml`], environment);
      const code = await program.ended();
      return `${code} ${program.output}`;
    };
    expect(await apply()).toBe('0 Deployment helloworld applied\n');
    const expected = { version: 'v1', message: 'hello, world' };
    await until(() => outside.whyNot('helloworld', 3, expected), PATIENCE_MS, stop.signal);
    expect(await apply('--delete')).toBe('0 Deployment helloworld deleted\n');
    await until(() => outside.whyNotGone([]), PATIENCE_MS, stop.signal);
  }, 60_000);

  it('takes back what an agent said that stopped: its processes are not ready any more', async () => {
    const client = createClient({ store });
    await client
      .resource(Deployment)
      .apply({ name: 'web', spec: { template: { command: ['node', 'helloworld.js'] } } });
    const ready = async () => (await client.resource(Process).list()).items[0]?.status?.ready;
    await expect.poll(ready, { timeout: PATIENCE_MS }).toBe(true);
    await Promise.all(NODES.map((node) => victims.kill(node)));
    await expect.poll(ready, { timeout: PATIENCE_MS }).toBe(false);
    await expect.poll(runningPrograms, { timeout: PATIENCE_MS }).toEqual([]);
    const counted = async () => (await client.resource(Deployment).get({ name: 'web' })).status?.ready;
    await expect.poll(counted, { timeout: PATIENCE_MS }).toBe(0);
  }, 60_000);
});
