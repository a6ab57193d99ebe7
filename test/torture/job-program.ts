import { ChildProgram } from '../harness/child-program.ts';
import type { Cycle } from './cycle.ts';
import { rootOf } from './parties.ts';

/**
 * A program that reconciles the Jobs of `started-manager.ts`, elected with ELECT: makes a Task of each, does what the
 * Job's text says, and writes the status.
 */
const SOURCE = `
  import { setTimeout as wait } from 'node:timers/promises';
  import { constants, setPriority } from 'node:os';
  import { consoleLogger, createManager, defineController, defineResource } from 'setpoint';
  import { etcdStore } from '@setpoint/etcd';
  import { z } from 'zod';

  const names = { group: 'torture.dev', version: 'v1' };
  const spec = z.object({ text: z.string() });
  const Job = defineResource({ ...names, kind: 'Job', plural: 'jobs', spec, status: z.object({ text: z.string() }) });
  const Task = defineResource({ ...names, kind: 'Task', plural: 'tasks', spec });
  const started = new Map();

  const deeds = {
    none() {},
    // Keeps the event loop to itself, at the lowest priority.
    block(ms) {
      setPriority(constants.priority.PRIORITY_LOW);
      const end = performance.now() + ms;
      while (performance.now() < end);
      console.log('blocked for ' + (performance.now() - end + ms));
    },
    // Takes memory until there is none.
    leak() {
      for (const kept = []; ; ) kept.push(new Array(100_000).fill(Math.random()));
    },
    // Never returns, whatever its signal says.
    async deaf(_, { signal }) {
      signal.addEventListener('abort', () => console.log('asked'));
      console.log('deaf');
      await new Promise(() => {});
    },
    // Returns a moment after its signal has aborted.
    async obedient(_, { signal }) {
      console.log('obedient');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await wait(20);
    },
    // Fails so often, and says when.
    fail(times, { object }) {
      const at = started.get(object.metadata.name) ?? [];
      started.set(object.metadata.name, [...at, performance.now()]);
      if (at.length < times) throw new Error('on purpose');
      console.log('attempts ' + JSON.stringify(started.get(object.metadata.name)));
    },
    // Asks so often to be run again after 100 ms, and says when it was.
    again(times, { object }) {
      const at = started.get(object.metadata.name) ?? [];
      started.set(object.metadata.name, [...at, performance.now()]);
      if (at.length < times) return { requeueAfterMs: 100 };
      console.log('requeues ' + JSON.stringify(started.get(object.metadata.name)));
    },
  };

  const jobs = defineController(Job, {
    owns: [Task],
    async reconcile(context) {
      const { object, owned, status } = context;
      const [deed, argument] = object.spec.text.split(' ');
      const make = () => owned(Task).apply({ name: object.metadata.name, spec: object.spec });
      // Of a Task that has just been made comes one more run, which is not what these measure.
      const measured = ['block', 'fail', 'again'].includes(deed);
      if (!measured) await make();
      const result = await (deeds[deed] ?? deeds.none)(Number(argument), context);
      if (result) return result;
      if (measured) await make();
      await status(object.spec);
    },
  });

  const { ENDPOINT, PREFIX, ELECT } = process.env;
  const manager = createManager({
    store: etcdStore({ endpoints: ENDPOINT }),
    prefix: PREFIX,
    controllers: [jobs],
    eventTtlMs: false,
    logger: consoleLogger(),
    ...(ELECT && { leaderElection: { name: 'torture', ...JSON.parse(ELECT) } }),
  });
  manager.whenReady().then(() => console.log('ready'));
  await manager.run();
  console.log('stopped');
`;

export interface JobProgramOptions {
  /** Below the cycle's own root; several programs of one cycle may have one each. */
  readonly prefix?: string;
  /** With leader election, and its times. */
  readonly elect?: Readonly<Record<string, number>>;
  /** For `node`. */
  readonly flags?: readonly string[];
}

/** Starts one on this endpoint. It ends with the cycle. */
export function startJobProgram(t: Cycle, endpoint: string, options: JobProgramOptions = {}): ChildProgram {
  const { prefix = rootOf(t), elect, flags = [] } = options;
  const env = { ENDPOINT: endpoint, PREFIX: prefix, ELECT: elect ? JSON.stringify(elect) : '' };
  const program = ChildProgram.of(SOURCE, env, flags);
  t.defer(() => program.end('SIGKILL'));
  return program;
}
