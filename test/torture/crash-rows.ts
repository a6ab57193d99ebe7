import { setTimeout as wait } from 'node:timers/promises';
import { createControlPlane } from '@setpoint/example-deployment/cluster';
import { Deployment, kinds, Process, ReplicaSet } from '@setpoint/example-deployment/kinds';
import { type Client, createClient, defineController } from 'setpoint';
import { ChildProgram } from '../harness/child-program.ts';
import { check, eventually, within } from './checks.ts';
import { startJobProgram } from './job-program.ts';
import { ground, rootOf } from './parties.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager, Task } from './started-manager.ts';

/** The control plane of the deployment example, which exits at a write: before it is sent, sent, or answered. */
const CRASHING = `
  import { createManager } from 'setpoint';
  import { etcdStore } from '@setpoint/etcd';
  import { createControlPlane } from '@setpoint/example-deployment/cluster';
  import { kinds } from '@setpoint/example-deployment/kinds';

  const { ENDPOINT, PREFIX, CRASH_AT, CRASH_WHEN } = process.env;
  const inner = etcdStore({ endpoints: ENDPOINT });
  let writes = 0;
  const store = new Proxy(inner, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (!['put', 'delete', 'txn'].includes(name)) return member.bind(target);
      return async (...request) => {
        const last = ++writes === Number(CRASH_AT);
        if (last && CRASH_WHEN === 'before') process.exit(42);
        const answer = member.apply(target, request);
        if (last && CRASH_WHEN === 'sent') setImmediate(() => process.exit(42));
        await answer;
        if (last) process.exit(42);
        return answer;
      };
    },
  });
  await createManager({ store, prefix: PREFIX, resources: kinds, ...createControlPlane(store, PREFIX) }).run();
`;

/** Why the Deployment is not yet as it is to be: one ReplicaSet, so many Processes, all of it written down; else nothing. */
async function whyNotThere(client: Client, replicas: number): Promise<string | undefined> {
  const deployment = await client.resource(Deployment).get({ name: 'web' });
  const sets = (await client.resource(ReplicaSet).list()).items;
  if (sets.length !== 1) return `there are ${sets.length} ReplicaSets`;
  if (sets[0]!.metadata.ownerReferences?.[0]?.uid !== deployment.metadata.uid) return 'the ReplicaSet is not owned';
  const processes = (await client.resource(Process).list()).items;
  if (processes.length !== replicas) return `there are ${processes.length} Processes of ${replicas}`;
  const strange = processes.find(({ metadata }) => metadata.ownerReferences?.[0]?.uid !== sets[0]!.metadata.uid);
  if (strange) return `${strange.metadata.name} is not owned`;
  const { status, metadata } = deployment;
  const written = status?.observedGeneration === metadata.generation && status?.replicas === replicas;
  return written ? undefined : `the status is ${JSON.stringify(status)}`;
}

async function untilThere(client: Client, replicas: number): Promise<void> {
  let reason: string | undefined;
  const there = async (): Promise<boolean> => (reason = await whyNotThere(client, replicas)) === undefined;
  await eventually(there, () => `ESR: ${reason}`, 20_000);
}

/** Processes of controllers that end when they are at something. */
export const rows: readonly Row[] = [
  {
    id: 'F-87',
    title:
      "the deployment example's controllers crash between two writes: started again they bring about what is wanted, and rest",
    async cycle(t) {
      const { server, store, prefix, client } = await ground(t);
      const spec = (replicas: number) => ({ replicas, template: { command: ['web'] } });
      const replicas = t.between(1, 3);
      await client.resource(Deployment).create({ name: 'web', spec: spec(replicas) });
      const env = {
        ENDPOINT: server.endpoints[0]!,
        PREFIX: prefix,
        CRASH_AT: String(t.between(1, 3 + replicas)),
        CRASH_WHEN: t.pick(['before', 'sent', 'answered']),
      };
      const crashing = ChildProgram.of(CRASHING, env);
      t.defer(() => crashing.end('SIGKILL'));
      const code = await within(crashing.ended(), 60_000, 'the crash');
      check(code === 42, `it ended with ${code}: ${crashing.output.slice(-1000)}`);
      const wanted = t.between(1, 3);
      await client.resource(Deployment).apply({ name: 'web', spec: spec(wanted) });
      await startManager(t, { store, resources: kinds, ...createControlPlane(store, prefix) });
      await untilThere(client, wanted);
      const { revision } = await store.range({ key: '/' });
      await wait(150);
      const { kvs } = await store.range({ prefix: `${prefix}/`, minModRevision: revision + 1n });
      const restless = kvs.filter(({ key }) => !Buffer.from(key).includes('/events/'));
      check(restless.length === 0, () => `ESR: it does not rest: ${Buffer.from(restless[0]!.key).toString()}`);
      check((await whyNotThere(client, wanted)) === undefined, 'ESR: it did not stay so');
    },
  },
  {
    id: 'F-88',
    title:
      'a process of controllers is out of memory in a reconcile: the next one does the rest, for what is there by then',
    async cycle(t) {
      const { server, store, client } = await ground(t);
      const names = Array.from({ length: 6 }, (_, at) => `job-${at}`);
      const leaking = t.pick(names);
      await createJobs(
        client,
        names.filter((name) => name < leaking),
      );
      await createJobs(client, [leaking], 'leak');
      await createJobs(
        client,
        names.filter((name) => name > leaking),
      );
      const starved = startJobProgram(t, server.endpoints[0]!, { flags: ['--max-old-space-size=48'] });
      const ended = await within(starved.ended(), 60_000, 'the end');
      check(['SIGABRT', 'SIGTRAP', 134, 133].includes(ended!), `it ended with ${ended}: ${starved.output.slice(-500)}`);
      check(starved.output.includes('heap'), `it did not end for want of memory: ${starved.output.slice(-500)}`);

      const gone = t.pick(names.filter((name) => name !== leaking));
      await client.resource(Job).delete(`default/${gone}`);
      await client.resource(Job).modify(`default/${leaking}`, () => ({ spec: { text: 'two' } }));
      const jobs = defineController(Job, {
        owns: [Task],
        async reconcile({ object, owned, status }) {
          await owned(Task).apply({ name: object.metadata.name, spec: object.spec });
          await status(object.spec);
        },
      });
      const { manager } = await startManager(t, { store, controllers: [jobs] });
      const others = names.filter((name) => name !== leaking && name !== gone);
      await eventually(() => allDone(manager, others) && allDone(manager, [leaking], 'two'), 'all are done');
      const left = [...others, leaking].sort().join();
      const tasks = async (): Promise<string> =>
        (await client.resource(Task).list()).items
          .map(({ metadata }) => metadata.name)
          .sort()
          .join();
      await eventually(async () => (await tasks()) === left, 'there is one task for each job and no other');
      const { items } = await client.resource(Task).list();
      check(
        items.every(({ metadata, spec }) => spec.text === (metadata.name === leaking ? 'two' : 'one')),
        'a task is of the past',
      );
    },
  },
  {
    id: 'F-90',
    title:
      'SIGTERM, and a second one: the first ends a manager by itself within five seconds, with nothing left behind; the second at once',
    async cycle(t) {
      const server = await t.sharedEtcd();
      const store = t.store(server.endpoints);
      const signals = [t.pick(['SIGTERM', 'SIGINT'] as const), t.pick(['SIGTERM', 'SIGINT'] as const)] as const;
      const start = async (text: string) => {
        const prefix = `${rootOf(t)}-${text}`;
        const program = startJobProgram(t, server.endpoints[0]!, { prefix, elect: {} });
        await createJobs(createClient({ store, prefix }), ['job'], text);
        await program.says(text);
        return { program, coordination: `${prefix}/_coordination/` };
      };
      const [obedient, deaf] = await Promise.all([start('obedient'), start('deaf')]);
      await wait(t.between(0, 50));
      const held = (await store.range({ prefix: obedient.coordination })).kvs;
      check(
        held.some(({ lease }) => lease !== 0n),
        'it was not elected',
      );
      const askedAt = performance.now();
      const code = await within(obedient.program.end(signals[0]), 10_000, 'the end after one signal');
      t.measure('stop ms', performance.now() - askedAt);
      check(code === 0, `one ${signals[0]} ended it with ${code}: ${obedient.program.output.slice(-500)}`);
      check(performance.now() - askedAt < 5000, `X1: the stop took ${Math.round(performance.now() - askedAt)} ms`);
      check(obedient.program.output.includes('stopped'), 'run() did not resolve');
      const left = (await store.range({ prefix: obedient.coordination })).kvs.filter(({ lease }) => lease !== 0n);
      check(left.length === 0, () => `X1: ${Buffer.from(left[0]!.key).toString()} is left`);
      const leases = await store.leases();
      check(!held.some(({ lease }) => leases.includes(lease)), 'X1: its lease is left');

      deaf.program.child.kill(signals[0]);
      await deaf.program.says('asked');
      await wait(t.between(0, 100));
      check(deaf.program.running, 'it ended before its reconcile has returned');
      const forced = await within(deaf.program.end(signals[1]), 5000, 'the end after a second signal');
      check(forced === 1, `the second signal ended it with ${forced}`);
    },
  },
];
