import {
  type AnyResourceDefinition,
  type Client,
  createClient,
  defineResource,
  isSetpointError,
  memoryStore,
  type ResourceObject,
  type Store,
} from 'setpoint';
import { createGarbageCollector } from 'setpoint/garbage-collection';
import { createInformer } from 'setpoint/informer';
import { keyPrefix, ownerReferenceTo, type OwnerReference, resourceCodec } from 'setpoint/resource';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { z } from 'zod';
import { crashingStore } from './crashing-store.ts';
import { CLUSTER_KIND, type Deletion, type Graph, randomGraph } from './graph.ts';
import { type Expected, expectedOf } from './reference-model.ts';

export interface CampaignReport {
  readonly graphs: number;
  readonly objects: number;
  readonly deletions: number;
  readonly crashes: number;
  /** What is not as the model says, in words. */
  readonly differences: readonly string[];
}

const spec = z.object({});
const kindOf = (index: number, scope: 'Namespaced' | 'Cluster') =>
  defineResource({ group: 'demo.dev', version: 'v1', kind: `Kind${index}`, plural: `kinds${index}`, scope, spec });
const KINDS: readonly AnyResourceDefinition[] = Array.from({ length: CLUSTER_KIND + 1 }, (_, index) =>
  kindOf(index, index === CLUSTER_KIND ? 'Cluster' : 'Namespaced'),
);
const HOLD = 'demo.dev/hold';
const QUIET_MS = 40_000;
const STEP_MS = 4_000;
const CRASHES_MAX = 4;
/** So many graphs share a store and a collector; each is alone in its namespace. */
const GRAPHS_PER_ROUND = 40;

/** Lets collectors that crash at random work on random graphs, and compares what is left with the reference model. */
export async function collectGraphs(options: {
  readonly graphs: number;
  readonly seed: number;
  readonly onRound?: (done: number) => void;
}): Promise<CampaignReport> {
  const report = { graphs: 0, objects: 0, deletions: 0, crashes: 0, differences: [] as string[] };
  for (let round = 0; report.graphs < options.graphs; round++) {
    const count = Math.min(GRAPHS_PER_ROUND, options.graphs - report.graphs);
    const one = await new Round(options.seed + round, count).run();
    report.graphs += count;
    for (const figure of ['objects', 'deletions', 'crashes'] as const) report[figure] += one[figure];
    report.differences.push(...one.differences.map((text) => `seed ${options.seed + round}: ${text}`));
    options.onRound?.(report.graphs);
  }
  return report;
}

/** Some graphs in one store, from their creation to the comparison. */
class Round {
  readonly #random;
  readonly #clock = new FakeClock();
  readonly #store: Store;
  readonly #client: Client;
  readonly #graphs: readonly Graph[];
  #crashes = 0;

  constructor(seed: number, count: number) {
    this.#random = seededRandom(seed);
    this.#store = memoryStore({ clock: this.#clock });
    this.#client = this.#clientOf(this.#store);
    this.#graphs = Array.from({ length: count }, () => randomGraph(this.#random));
  }

  async run(): Promise<Omit<CampaignReport, 'graphs'>> {
    for (const [graph, { nodes }] of this.#graphs.entries()) await this.#create(graph, nodes);
    await this.#deleteAll('before');
    const crashes = Math.floor(this.#random.next() * (CRASHES_MAX + 1));
    for (let crash = 0; crash < crashes; crash++) await this.#collect(Math.floor(this.#random.next() * 120));
    await this.#collect(Number.POSITIVE_INFINITY, () => this.#release());
    await this.#collect(Number.POSITIVE_INFINITY, async () => {
      await this.#deleteAll('during');
      await this.#clock.advance(this.#random.next() * 5);
      await this.#release();
    });
    const differences: string[] = [];
    for (const [graph, each] of this.#graphs.entries())
      differences.push(...(await this.#compare(graph, expectedOf(each))));
    await this.#store.close();
    return {
      objects: this.#graphs.reduce((sum, { nodes }) => sum + nodes.length, 0),
      deletions: this.#graphs.reduce((sum, { before, during }) => sum + before.length + during.length, 0),
      crashes: this.#crashes,
      differences,
    };
  }

  /** Owners may be younger than what they own, so the references come second. */
  async #create(graph: number, nodes: Graph['nodes']): Promise<void> {
    const made: ResourceObject[] = [];
    for (const [node, { kind, held }] of nodes.entries()) {
      const finalizers = held ? [HOLD] : [];
      made.push(
        await this.#client.resource(KINDS[kind]!).create({ ...this.#place(graph, node), finalizers, spec: {} }),
      );
    }
    for (const [node, { kind, owners }] of nodes.entries()) {
      if (owners.length === 0) continue;
      const ownerReferences = owners.map(({ node: owner, blocks }): OwnerReference => {
        if (typeof owner === 'number') {
          return ownerReferenceTo(made[owner]!, { controller: false, blockOwnerDeletion: blocks });
        }
        const kindName = owner === 'missing' ? KINDS[CLUSTER_KIND]!.kind : 'Foreign';
        return {
          apiVersion: 'demo.dev/v1',
          kind: kindName,
          name: owner,
          uid: `${owner}-${graph}`,
          blockOwnerDeletion: blocks,
        };
      });
      await this.#client.resource(KINDS[kind]!).update(made[node]!, { ownerReferences });
    }
  }

  async #deleteAll(batch: 'before' | 'during'): Promise<void> {
    for (const [graph, each] of this.#graphs.entries()) {
      for (const deletion of each[batch]) await this.#delete(graph, each, deletion);
    }
  }

  async #delete(graph: number, { nodes }: Graph, { node, propagation }: Deletion): Promise<void> {
    const objects = this.#client.resource(KINDS[nodes[node]!.kind]!);
    const there = await objects.find(this.#place(graph, node));
    if (!there) return;
    // The collector may be quicker: what was to be deleted is gone then.
    await objects.delete(there, { propagation }).catch((error: unknown) => {
      if (!isSetpointError(error, 'NotFound')) throw error;
    });
  }

  /** Takes the finalizers of others off everything that is being deleted. */
  async #release(): Promise<void> {
    for (let again = true; again;) {
      again = false;
      await this.#clock.advance(QUIET_MS);
      for (const kind of KINDS) {
        for (const object of (await this.#client.resource(kind).list()).items) {
          const { deletionTimestamp, finalizers } = object.metadata;
          if (deletionTimestamp === undefined || !finalizers?.includes(HOLD)) continue;
          await this.#client.resource(kind).removeFinalizer(object, HOLD);
          again = true;
        }
      }
    }
  }

  /** One life of a collector: until it crashes at its n-th write, or until everything is quiet and `meanwhile` is over. */
  async #collect(writes: number, meanwhile?: () => Promise<void>): Promise<void> {
    const { store, crashed } = crashingStore(this.#store, writes, this.#random);
    let isDead = false;
    void crashed.then(() => (isDead = true));
    const stop = new AbortController();
    const common = { clock: this.#clock, random: this.#random };
    const kinds = KINDS.map((definition) => ({
      definition,
      informer: createInformer<ResourceObject>({
        ...common,
        store,
        prefix: keyPrefix(definition),
        codec: resourceCodec(definition),
        audit: false,
      }),
    }));
    const collector = createGarbageCollector({ ...common, client: this.#clientOf(store), kinds });
    const running = [...kinds.map(({ informer }) => informer.run(stop.signal)), collector.run(stop.signal)];
    for (const run of running) run.catch(() => {});
    for (let passed = 0; passed < QUIET_MS && !isDead; passed += STEP_MS) await this.#clock.advance(STEP_MS);
    if (!isDead) await meanwhile?.();
    if (isDead) this.#crashes++;
    else await this.#clock.advance(QUIET_MS);
    stop.abort();
    await this.#clock.advance(1000);
  }

  async #compare(graph: number, expected: Expected): Promise<string[]> {
    const { nodes } = this.#graphs[graph]!;
    const objects = await Promise.all(
      nodes.map(({ kind }, node) => this.#client.resource(KINDS[kind]!).find(this.#place(graph, node))),
    );
    return expected.flatMap((owners, node) => {
      const there = objects[node];
      const at = `graph ${graph}, node ${node}`;
      if (!owners) return there ? [`${at}: left behind`] : [];
      if (!there) return [`${at}: deleted wrongly`];
      const names = (there.metadata.ownerReferences ?? []).map(({ name }) => name).toSorted();
      const wanted = owners
        .map((owner) => (typeof owner === 'number' ? this.#place(graph, owner).name : owner))
        .toSorted();
      return names.join() === wanted.join() ? [] : [`${at}: owners are ${names.join()}, wanted ${wanted.join()}`];
    });
  }

  #place(graph: number, node: number): { readonly name: string; readonly namespace?: string } {
    const { kind } = this.#graphs[graph]!.nodes[node]!;
    const name = `g${graph}-n${node}`;
    return kind === CLUSTER_KIND ? { name } : { name, namespace: `g${graph}` };
  }

  #clientOf(store: Store): Client {
    return createClient({ store, clock: this.#clock, random: this.#random });
  }
}
