import { setTimeout as wait } from 'node:timers/promises';
import { defineController, isSetpointError } from 'setpoint';
import type { ReconcileReport } from 'setpoint/controller';
import { keyText } from 'setpoint/store';
import { check, checkSame, eventually } from './checks.ts';
import { rootOf } from './parties.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager, Task } from './started-manager.ts';

/** What may be thrown by code that nobody looked at. */
const THROWN: readonly (() => unknown)[] = [
  () => new Error('on purpose', { cause: new Error('the reason') }),
  () => 'a text',
  () => null,
  () => undefined,
  () => 42n,
  () => Symbol('thrown'),
  () => ({ status: 500 }),
  () => Object.create(null) as object,
  () => Object.defineProperty(new Error('unreadable'), 'cause', { get: forbidden }),
  () => new Proxy({}, { get: forbidden, has: forbidden, getPrototypeOf: forbidden }),
];

function forbidden(): never {
  throw new Error('not to be looked at');
}

/** What was thrown need not be an Error. */
function raise(thrown: unknown): never {
  throw thrown as Error;
}

/** That the failures of one key were numbered, and each came later after the one before. */
function checkBackoff(failures: readonly ReconcileReport[], startedAt: readonly number[]): void {
  const numbers = failures.map(({ attempt }) => attempt);
  checkSame(
    numbers,
    numbers.map((_, at) => at + 1),
    'the numbers of the attempts',
  );
  for (let at = 1; at < startedAt.length; at++) {
    const waited = startedAt[at]! - startedAt[at - 1]!;
    // Node's timers may be early by one.
    check(waited > 5 * 2 ** (at - 1) - 2, `attempt ${at + 1} came ${waited} ms after the one before`);
  }
}

/** Ways to write when it is too late, all of which would leave something to see. */
const LATE_WRITES = ['create', 'apply', 'status', 'delete', 'modify'] as const;

/** A reconciler that throws, hangs, or writes when its time is over. */
export const rows: readonly Row[] = [
  {
    id: 'F-97',
    title:
      'reconciles throw errors, texts, null and worse: told as they were, with their keys, and tried again, each time later; others go on',
    async cycle(t) {
      const bad = new Map(
        THROWN.map((make, at) => {
          const times = t.between(1, 4);
          return [`bad-${at}`, { thrown: make(), times, left: times, startedAt: [] as number[] }];
        }),
      );
      const jobs = defineController(Job, {
        concurrency: t.between(1, 3),
        async reconcile({ object, status }) {
          const failing = bad.get(object.metadata.name);
          if (failing && failing.left > 0) {
            failing.left--;
            failing.startedAt.push(performance.now());
            raise(failing.thrown);
          }
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, reports, metric } = await startManager(t, { controllers: [jobs] });
      const names = [...bad.keys(), ...Array.from({ length: 5 }, (_, at) => `good-${at}`)];
      await createJobs(client, names);
      await eventually(() => allDone(manager, names), 'all jobs are done');
      let expected = 0;
      for (const [name, { thrown, times, startedAt }] of bad) {
        expected += times;
        const key = `default/${name}`;
        const failures = reports.filter((report) => report.key === key && report.outcome.type === 'error');
        check(failures.length === times, `${name} failed ${failures.length} times instead of ${times}`);
        const told = failures.map(({ outcome }) => (outcome.type === 'error' ? outcome.error : 'no error'));
        check(
          told.every((error) => Object.is(error, thrown)),
          `${name}: something else was told than was thrown`,
        );
        checkBackoff(failures, startedAt);
        const lines = t.log.lines.filter(({ level, fields }) => level === 'error' && fields['key'] === key);
        check(lines.length === times, `${lines.length} lines tell of ${times} failures of ${name}`);
        const attributed = lines.every(({ fields }) => fields['controller'] === 'jobs' && fields['err'] !== undefined);
        check(attributed, `a line about ${name} does not say whose it is`);
      }
      const counted = metric('controller_runtime_reconcile_errors_total');
      check(counted === expected, `${counted} failures are counted of ${expected}`);
    },
  },
  {
    id: 'F-98',
    title:
      'reconciles never return: their signals abort, they are told of and hold their own keys alone, also when the manager stops',
    async cycle(t) {
      const timeoutMs = t.between(100, 200);
      const graceMs = t.between(50, 150);
      const calls: string[] = [];
      const abortedAfter: number[] = [];
      const returns: (() => void)[] = [];
      let hang = true;
      let createdAt = 0;
      const jobs = defineController(Job, {
        concurrency: 2,
        timeoutMs,
        graceMs,
        async reconcile({ object, status, signal }) {
          const { name } = object.metadata;
          if (hang && name.startsWith('stuck')) {
            calls.push(name);
            signal.addEventListener('abort', () => void abortedAfter.push(performance.now() - createdAt));
            await new Promise<void>((resolve) => returns.push(resolve));
            throw new Error('it has returned after all');
          }
          await status({ text: object.spec.text });
        },
      });
      const started = await startManager(t, { controllers: [jobs], gracefulTimeoutMs: 200 });
      const { manager, client, metric } = started;
      t.defer(() => returns.forEach((go) => go()));
      const overdue: string[] = [];
      manager.controller('jobs').on('overdue', ({ key }) => overdue.push(key));
      // An attempt's time counts from when its key is handed out, which is before its function is called.
      createdAt = performance.now();
      await createJobs(client, ['stuck-0', 'stuck-1']);
      await eventually(() => calls.length === 2, 'both are stuck');
      const free = Array.from({ length: t.between(2, 5) }, (_, at) => `free-${at}`);
      await createJobs(client, free);
      await eventually(() => allDone(manager, free), 'the others are done');
      await eventually(
        () => new Set(overdue).size === 2,
        () => `both are told to be overdue, not only ${overdue.join()}`,
      );
      check(metric('setpoint_overdue_reconciles') === 2, 'the metric does not show both');
      check(
        abortedAfter.length === 2 && abortedAfter.every((ms) => ms >= timeoutMs - 2),
        `aborted after ${abortedAfter.join()} ms`,
      );
      await client.resource(Job).modify('default/stuck-0', () => ({ spec: { text: 'two' } }));
      await eventually(() => manager.informer(Job).lister.get('default/stuck-0')?.spec.text === 'two', 'the change');
      await wait(30);
      check(calls.length === 2, 'a key was handed out a second time before its function had returned');
      hang = false;
      returns.splice(0).forEach((go) => go());
      await eventually(() => allDone(manager, ['stuck-0'], 'two') && allDone(manager, ['stuck-1']), 'all are done');
      check(metric('setpoint_overdue_reconciles') === 0, 'the metric still shows some');

      hang = true;
      await createJobs(client, ['stuck-9']);
      await eventually(() => calls.at(-1) === 'stuck-9', 'one more is stuck');
      const error = await started.stop();
      check(isSetpointError(error, 'Timeout'), `the stop ended with ${String(error)}`);
      check(error.message.includes('default/stuck-9'), `who did not stop is not named: ${error.message}`);
    },
  },
  {
    id: 'F-99',
    title:
      'reconciles write after their time, deaf or left behind: each write is refused, nothing is changed, later runs do as they should',
    async cycle(t) {
      const outcomes = new Map<string, unknown>();
      const plans = new Map(
        LATE_WRITES.map((write, at) => [
          `job-${at}`,
          { write, deaf: t.random.next() < 0.5, delayMs: t.between(0, 40), begun: false },
        ]),
      );
      const jobs = defineController(Job, {
        owns: [Task],
        concurrency: 5,
        timeoutMs: 100,
        async reconcile({ object, client, owned, status, signal }) {
          const { name } = object.metadata;
          const plan = plans.get(name);
          if (!plan || plan.begun) return status({ text: object.spec.text });
          plan.begun = true;
          const late = { name: `late-${name}`, spec: { text: 'late' } };
          const writes: Readonly<Record<typeof plan.write, () => Promise<unknown>>> = {
            create: () => client.resource(Task).create(late),
            apply: () => owned(Task).apply(late),
            status: () => status({ text: 'late' }),
            delete: () => client.resource(Job).delete('default/kept'),
            modify: () => client.resource(Job).modify('default/kept', () => ({ spec: { text: 'late' } })),
          };
          const write = async (): Promise<void> => {
            await wait(plan.delayMs);
            const outcome = await writes[plan.write]().then(
              () => 'it was written',
              (error: unknown) => error,
            );
            outcomes.set(name, outcome);
          };
          if (!plan.deaf) return void write();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await write();
        },
      });
      const { manager, client, store } = await startManager(t, { controllers: [jobs] });
      const names = [...plans.keys()];
      await createJobs(client, ['kept', ...names]);
      await eventually(() => outcomes.size === plans.size, 'all have tried to write');
      for (const [name, outcome] of outcomes) {
        const { write, deaf } = plans.get(name)!;
        const how = `${write} ${deaf ? 'after its signal had aborted' : 'after the run had returned'}`;
        check(isSetpointError(outcome, 'Closed'), `${how}: ${String(outcome)}`);
      }
      await Promise.all(
        names.map((name) => client.resource(Job).modify(`default/${name}`, () => ({ spec: { text: 'two' } }))),
      );
      await eventually(
        () => allDone(manager, names, 'two') && allDone(manager, ['kept']),
        'later runs write as they should',
      );
      const { kvs } = await store.range({ prefix: `${rootOf(t)}/` });
      const late = kvs.filter(({ key, value }) => `${keyText(key)} ${keyText(value)}`.includes('late'));
      check(late.length === 0, () => `S1: ${late.map(({ key }) => keyText(key)).join()} was written`);
    },
  },
];
