import { setTimeout as wait } from 'node:timers/promises';
import { defineController } from 'setpoint';
import { createInformer, type HandlerRegistration, type Informer, type InformerFailure } from 'setpoint/informer';
import { jsonCodec } from 'setpoint/resource';
import { keyText, type Store } from 'setpoint/store';
import { auditCache, check, checkSame, eventually } from './checks.ts';
import type { Cycle } from './cycle.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager, Task } from './started-manager.ts';

type Stored = Record<string, unknown> & { spec: Record<string, unknown> & { parts: string[] } };

/** What somebody may do to an object that is not theirs. Each throws where the object is frozen. */
const CHANGES: readonly ((object: Stored) => unknown)[] = [
  (object) => (object.spec['size'] = -1),
  (object) => (object['added'] = true),
  (object) => delete object.spec['size'],
  (object) => object.spec.parts.push('c'),
  (object) => object.spec.parts.reverse(),
  (object) => (object.spec.parts.length = 0),
  (object) => Object.assign(object.spec, { note: 'mine' }),
  (object) => Object.defineProperty(object.spec, 'size', { value: -1 }),
  (object) => Object.setPrototypeOf(object.spec, { size: -1 }) as unknown,
];

const valueOf = (size: number): string => JSON.stringify({ spec: { size, parts: ['a', 'b'] } });

function startedInformer(t: Cycle, store: Store): Informer<Stored> {
  const informer = createInformer<unknown>({ store, prefix: t.prefix, codec: jsonCodec, massDelete: false });
  const life = new AbortController();
  const running = informer.run(life.signal);
  t.defer(() => {
    life.abort();
    return running;
  });
  return informer as Informer<Stored>;
}

/** Everything that a handler is told, held against what it was told before. */
class Follower {
  readonly states = new Map<string, string>();
  calls = 0;
  wrong: string | undefined;

  add(key: string, object: string): void {
    this.calls++;
    if (this.states.has(key)) this.wrong ??= `an add of ${key}, which was there`;
    this.states.set(key, object);
  }

  update(key: string, old: string, object: string): void {
    this.calls++;
    if (this.states.get(key) !== old) this.wrong ??= `an update of ${key} from a state that was not told`;
    this.states.set(key, object);
  }
}

/** Code that handles what all share: objects of the cache, and the sets of those who are told. */
export const rows: readonly Row[] = [
  {
    id: 'F-102',
    title:
      'handlers and reconciles change what they are given: each is refused and told of, the cache and the others see none of it',
    async cycle(t) {
      const { store } = await startManager(t, {});
      const informer = startedInformer(t, store);
      const failures: InformerFailure[] = [];
      informer.on('error', (failure) => void failures.push(failure));
      let changes = 0;
      const change = (object: Stored): void => {
        changes++;
        t.pick(CHANGES)(object);
      };
      informer.addEventHandler({ add: change, update: (_, object) => change(object) }, { name: 'changing' });
      let dirty: string | undefined;
      informer.addEventHandler({
        add: ({ spec }, { key }) => void (Number(spec['size']) < 0 && (dirty ??= key)),
        update: (old, { spec }, { key }) =>
          void ((Number(spec['size']) < 0 || old.spec.parts.length !== 2) && (dirty ??= key)),
      });
      await informer.whenSynced();
      let revision = 0n;
      for (let at = t.between(5, 20); at > 0; at--) {
        ({ revision } = await store.put({ key: `${t.prefix}${at % 5}`, value: valueOf(at) }));
      }
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      await eventually(
        () => changes > 0 && failures.length === changes,
        () => `${failures.length} of ${changes} changes were refused`,
      );
      check(
        failures.every(
          ({ during, handler, key }) => during === 'handler' && handler === 'changing' && key !== undefined,
        ),
        'a refusal does not say whose it was',
      );
      for (const object of informer.lister.list()) {
        const error = await Promise.resolve(object)
          .then(t.pick(CHANGES))
          .catch((reason: unknown) => reason);
        check(error instanceof TypeError, 'what a lister gives away can be changed');
      }
      check(dirty === undefined, `another handler saw a change of ${dirty}`);
      const { kvs } = await store.range({ prefix: t.prefix, revision: informer.revision });
      const cached = kvs.map(({ key }) => JSON.stringify(informer.lister.get(keyText(key).slice(t.prefix.length))));
      checkSame(
        cached,
        kvs.map(({ value }) => keyText(value)),
        'C1: the cache',
      );
    },
  },
  {
    id: 'F-105',
    title:
      'handlers add and remove handlers while they are called: who joins starts without a gap, who is removed hears nothing, nobody is skipped',
    async cycle(t) {
      const store = t.store((await t.sharedEtcd()).endpoints, { combineWrites: false });
      const informer = t.informer(store, t.prefix);
      await informer.whenSynced();
      const [steady, last] = [new Follower(), new Follower()];
      const joined: Follower[] = [];
      const follow = (follower: Follower, extra: () => void = () => {}): HandlerRegistration =>
        informer.addEventHandler({
          add: (object, { key }) => (follower.add(key, object), extra()),
          update: (old, object, { key }) => (follower.update(key, old, object), extra()),
        });
      let [afterRemoval, removed] = [0, false];
      const writes = t.between(30, 60);
      const [joinAt, removeAt] = [t.between(1, writes - 1), t.between(1, writes - 1)];
      follow(steady, () => {
        if (steady.calls === joinAt || steady.calls === joinAt + 1) {
          const follower = new Follower();
          joined.push(follower);
          follow(follower);
        }
        if (steady.calls === removeAt) {
          removed = true;
          leaving.remove();
        }
      });
      const leaving = informer.addEventHandler({
        add: () => void (removed && afterRemoval++),
        update: () => void (removed && afterRemoval++),
      });
      const itself = informer.addEventHandler({ add: () => itself.remove(), update: () => itself.remove() });
      follow(last);
      let heard = 0;
      const stopHearing = informer.on('add', () => {
        stopHearing();
        informer.on('update', () => heard++);
      });
      await wait(20);
      let revision = 0n;
      for (let at = 0; at < writes; at++) {
        ({ revision } = await store.put({ key: `${t.prefix}${at === 0 ? 0 : t.between(0, 8)}`, value: `v${at}` }));
      }
      await informer.waitFor(revision, { timeoutMs: 15_000 });
      const all = [steady, last, ...joined];
      const state = (): Map<string, string> =>
        new Map([...informer.lister.keys()].map((key) => [key, informer.lister.get(key)!]));
      await eventually(
        () => all.every(({ states }) => [...state()].every(([key, object]) => states.get(key) === object)),
        'everybody has been told of everything',
      );
      for (const follower of all) check(follower.wrong === undefined, () => `I-99: ${follower.wrong}`);
      check(
        steady.calls === writes && last.calls === writes,
        `${steady.calls} and ${last.calls} of ${writes} changes were told`,
      );
      check(joined.length > 0, 'nobody joined');
      check(removed && afterRemoval === 0, `I-101: ${afterRemoval} calls came after the removal`);
      check(heard > 0, 'a listener that was added by another one hears nothing');
      await auditCache(informer, store);
    },
  },
  {
    id: 'F-106',
    title:
      'predicates, mappers, filters and indexes throw: the change counts all the same, each is counted and told with its key',
    async cycle(t) {
      const bad = new Set(Array.from({ length: 6 }, (_, at) => `job-${at}`).filter(() => t.random.next() < 0.5));
      bad.add('job-0');
      const angry = (name: string): void => {
        if (bad.has(name)) throw new Error(`on purpose, at ${name}`);
      };
      /** By the change of the Task that led to it: a Job's own status leads to runs too, at any time. */
      const mapped: (string | undefined)[] = [];
      const jobs = defineController(Job, {
        predicates: [({ object }) => (angry(object.metadata.name), true)],
        watches: [
          {
            resource: Task,
            map({ spec }) {
              if (spec.text === 'angry') throw new Error('on purpose');
              return [{ name: spec.text }];
            },
          },
        ],
        async reconcile({ object, status, causes }) {
          const ofTask = causes.filter((cause) => cause.object === 'default/mapped');
          if (object.metadata.name === 'job-1') mapped.push(...ofTask.map(({ change }) => change));
          await status({ text: object.spec.text });
        },
      });
      const { manager, client, metric } = await startManager(t, { controllers: [jobs] });
      const informer = manager.informer(Job);
      informer.addIndex('text', ({ metadata, spec }) => (angry(metadata.name), [spec.text]));
      const passed = new Set<string>();
      const note = (_: unknown, { key }: { readonly key: string }): void => void passed.add(key);
      informer.addEventHandler(
        { add: note, update: (_, object, info) => note(object, info) },
        { filter: ({ metadata }) => (angry(metadata.name), true) },
      );
      const names = Array.from({ length: 6 }, (_, at) => `job-${at}`);
      await createJobs(client, names);
      await eventually(() => allDone(manager, names), 'all are done');
      await Promise.all(
        names.map((name) => client.resource(Job).modify(`default/${name}`, () => ({ spec: { text: 'two' } }))),
      );
      await eventually(() => allDone(manager, names, 'two'), 'all are done again');
      check(
        names.every((name) => passed.has(`default/${name}`)),
        'a filter that throws keeps objects from a handler',
      );
      const indexed = informer.lister.byIndex('text', 'two').map(({ metadata }) => metadata.name);
      checkSame(
        indexed.toSorted(),
        names.filter((name) => !bad.has(name)),
        'the index',
      );
      const predicates = metric('setpoint_source_errors_total', 'stage="predicate"');
      check(predicates >= 2 * bad.size, `${predicates} failures of a predicate are counted`);
      check(
        informer.counts.filterErrors >= 2 * bad.size && informer.counts.indexErrors >= 2 * bad.size,
        'failures are not counted',
      );
      const lines = t.log.lines.filter(({ fields }) => fields['stage'] === 'predicate');
      check(
        lines.some(({ fields }) => fields['key'] === 'default/job-0' && fields['controller'] === 'jobs'),
        'whose predicate is not said',
      );

      await client.resource(Task).create({ name: 'mapped', spec: { text: 'job-1' } });
      await eventually(() => mapped.includes('add'), 'a task makes its job run');
      await client.resource(Task).modify('default/mapped', () => ({ spec: { text: 'angry' } }));
      await eventually(() => mapped.includes('update'), 'the state before names whom it concerns all the same');
      check(metric('setpoint_source_errors_total', 'stage="keys"') === 1, 'the failure of the mapper is not counted');
    },
  },
];
