import { createHash } from 'node:crypto';
import { createManager, defineController, defineResource, memoryStore, type ObjectMeta } from 'setpoint';
import { FakeClock, type Random, seededRandom } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { escapesDuring } from './async-resources.ts';

const kind = { group: 'sim.test', version: 'v1' };
const Part = defineResource({ ...kind, kind: 'Part', plural: 'parts', spec: z.object({ index: z.int() }) });
const Machine = defineResource({
  ...kind,
  kind: 'Machine',
  plural: 'machines',
  spec: z.object({ parts: z.int() }),
  status: z.object({ parts: z.int() }),
});

const nameOf = ({ name }: ObjectMeta, index: number): string => `${name}-${index}`;

/** A control plane whose reconciler fails now and then, as the seed says. */
function machines(random: Random, note: (line: string) => void) {
  return defineController(Machine, {
    owns: [Part],
    concurrency: 3,
    async reconcile({ object, key, owned, status }) {
      note(`reconcile ${key} at ${object.metadata.resourceVersion}`);
      const parts = owned(Part);
      if (random.next() < 0.3) throw new Error('the seed says no');
      const wanted = Array.from({ length: object.spec.parts }, (_, index) => nameOf(object.metadata, index));
      for (const [index, name] of wanted.entries()) await parts.apply({ name, spec: { index } });
      for (const extra of parts.list().filter((part) => !wanted.includes(part.metadata.name))) {
        await parts.delete(extra);
      }
      await status({ parts: parts.list().length });
    },
  });
}

interface Run {
  readonly trace: readonly string[];
  readonly pendingTimers: number;
}

/** Twenty random user steps over five minutes of virtual time, and everything that came of them, line by line. */
async function simulate(seed: number): Promise<Run> {
  const [clock, random] = [new FakeClock(), seededRandom(seed)];
  const trace: string[] = [];
  const note = (line: string): void => void trace.push(`${clock.now()} ${line}`);
  const store = memoryStore({ clock, random });
  const manager = createManager({ store, clock, random, controllers: [machines(random, note)] });
  const stop = new AbortController();
  manager.informer(Part).addEventHandler({
    add: (part) => note(`add ${part.metadata.name} ${part.metadata.uid}`),
    update: (_old, part) => note(`update ${part.metadata.name} ${part.metadata.resourceVersion}`),
    delete: (part) => note(`delete ${part.metadata.name}`),
  });
  const running = manager.run(stop.signal);
  await clock.advance(100);
  const objects = manager.client.resource(Machine);
  for (let step = 0; step < 20; step++) {
    const name = `machine-${Math.floor(random.next() * 3)}`;
    const writing = objects.apply({ name, spec: { parts: Math.floor(random.next() * 6) } });
    await clock.advance(random.next() * 30_000);
    note(`applied ${(await writing).metadata.resourceVersion}`);
  }
  await clock.advance(60_000);
  const { kvs } = await store.range({ prefix: '/registry/' });
  for (const kv of kvs) note(`${Buffer.from(kv.key).toString()} ${kv.version} ${Buffer.from(kv.value).toString()}`);
  stop.abort();
  await clock.advance(1_000);
  await running;
  await store.close();
  return { trace, pendingTimers: clock.pendingTimers };
}

const digest = (run: Run): string => createHash('sha256').update(run.trace.join('\n')).digest('hex');

describe('a control plane on virtual time', () => {
  it('gives byte-identical traces for one seed, and creates no real timer and no I/O', async () => {
    const runs: Run[] = [];
    const escapes = await escapesDuring(async () => {
      runs.push(await simulate(20_261_122), await simulate(20_261_122));
    });
    expect(escapes).toEqual([]);
    expect(runs[0]!.trace.length).toBeGreaterThan(100);
    expect(runs[0]!.trace).toEqual(runs[1]!.trace);
  });

  it('gives other traces for other seeds, so that equal ones mean something', async () => {
    const digests = new Set<string>();
    for (let seed = 1; seed <= 10; seed++) digests.add(digest(await simulate(seed)));
    expect(digests.size).toBe(10);
  });

  it('reaches the desired state whatever the seed, and leaves no timer behind', async () => {
    for (let seed = 100; seed < 150; seed++) {
      const { trace, pendingTimers } = await simulate(seed);
      const stored = trace.filter((line) => line.includes('/registry/'));
      const wanted = stored
        .filter((line) => line.includes('/machines/'))
        .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as { spec: { parts: number }; status: object })
        .reduce((sum, machine) => sum + machine.spec.parts, 0);
      expect(
        stored.filter((line) => line.includes('/parts/')),
        `seed ${seed}`,
      ).toHaveLength(wanted);
      expect(pendingTimers, `seed ${seed}`).toBe(0);
    }
  });

  it('names a real timer, so that "none was created" means something', async () => {
    const escapes = await escapesDuring(async () => {
      clearTimeout(setTimeout(() => {}, 1));
      await Promise.resolve();
    });
    expect(escapes).toHaveLength(1);
    expect(escapes[0]).toMatch(/^Timeout from .*determinism/);
  });
});
