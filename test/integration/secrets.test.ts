import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import {
  admit,
  createClient,
  createManager,
  defineController,
  isSetpointError,
  type Logger,
  memoryStore,
  SetpointError,
  type Store,
} from 'setpoint';
import type { EtcdStoreOptions } from '@setpoint/etcd';
import { aesGcmTransformer } from 'setpoint/resource';
import { describe, expect, it } from 'vitest';
import { testEtcd, testProxy, testStore } from '../harness/disposal.ts';
import { availableEtcds } from '../harness/etcd-server.ts';
import { errorOf, Server, Website } from '../harness/sample-objects.ts';

/** What must never come out: a value of a spec, a status, an annotation; a password; a key. */
const VALUE = 'canary-value-8f1d';
const STATUS = 'canary-status-77ab';
const NOTE = 'canary-annotation-c0de';
const PASSWORD = 'canary-password-4711';
const KEY = 'canary-encryption-key-of-32bytes';
const PLANTED = [VALUE, STATUS, NOTE, PASSWORD, KEY];
const DEEP = { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null } as const;

/** Everything that came out, as text. */
class Outputs {
  readonly #texts: string[] = [];

  /** All of a thing, at any depth: hidden properties, causes, bytes as text. */
  add(what: string, thing: unknown): void {
    const text = typeof thing === 'string' ? thing : inspect(thing, DEEP);
    const own = thing instanceof Error ? `${thing.message}\n${thing.stack}\n${JSON.stringify(thing, plain)}` : '';
    this.#texts.push(`${what}: ${text}\n${own}`);
  }

  get leaks(): readonly string[] {
    const spelt = PLANTED.flatMap((secret) => [secret, Buffer.from(secret).toString('base64').slice(0, -4)]);
    return this.#texts.filter((text) => spelt.some((secret) => text.includes(secret)));
  }

  get size(): number {
    return this.#texts.length;
  }
}

const plain = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

function recordingLogger(outputs: Outputs): Logger {
  const note = (...line: unknown[]): void => outputs.add('log', line);
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  return logger;
}

const spec = { message: VALUE, replicas: 1 };

/** Bad calls of every kind with the secrets in them; each has to fail. */
async function everyClientError(store: Store, prefix: string): Promise<readonly (readonly [string, unknown])[]> {
  const client = createClient({ store, prefix });
  const sites = client.resource(Website);
  const annotations = { 'demo.dev/note': NOTE };
  const web = await sites.create({ name: 'web', annotations, spec });
  const newer = await sites.updateStatus(web, { ready: 1 });
  await sites.applyFields({ name: 'web', spec: { message: VALUE } }, { manager: 'a', force: true });
  const sealed = aesGcmTransformer({ keys: [{ id: 'k', secret: Buffer.from(KEY) }] });
  const crypted = createClient({ store, prefix, transformerOf: () => sealed }).resource(Server);
  await crypted.create({ name: 'one', spec: { message: VALUE } });
  const { kvs } = await store.range({ key: `${prefix}/servers/default/one` });
  await store.put({ key: `${prefix}/servers/default/moved`, value: kvs[0]!.value });
  await store.put({ key: `${prefix}/servers/default/cut`, value: kvs[0]!.value.subarray(0, 40) });
  await store.put({ key: `${prefix}/websites/default/broken`, value: `{"spec":{"message":"${VALUE}"` });
  await store.put({
    key: `${prefix}/websites/default/wrong`,
    value: JSON.stringify({ ...web, spec: { message: [VALUE] } }),
  });
  const otherKey = aesGcmTransformer({ keys: [{ id: 'other', secret: Buffer.alloc(32) }] });
  const unsealed = createClient({ store, prefix, transformerOf: () => otherKey }).resource(Server);
  const refusing = createClient({ store, prefix, admission: [admit({ name: 'no', validate: () => 'no' })] });
  const wrong = (value: unknown): never => value as never;
  const put = { put: { key: '/x', value: VALUE } };
  const calls: Record<string, () => Promise<unknown>> = {
    'a name that is taken': () => sites.create({ name: 'web', annotations, spec }),
    'a value of another type': () => sites.create({ name: 'b', spec: wrong({ message: VALUE, replicas: VALUE }) }),
    'a spec that is a text': () => sites.create({ name: 'b', spec: wrong(VALUE) }),
    'an unknown field': () => sites.create({ name: 'b', spec: wrong({ ...spec, mesage: VALUE }) }),
    'a label value': () => sites.create({ name: 'b', spec, labels: { a: `${VALUE}!` } }),
    'an annotation': () => sites.create({ name: 'b', spec, annotations: wrong({ a: [NOTE] }) }),
    'a finalizer': () => sites.update(newer, { finalizers: wrong([{ [VALUE]: VALUE }]) }),
    'an old version': () => sites.update(web, { spec: { ...spec, replicas: 4 } }),
    'a copy with another status': () => sites.update(wrong({ ...newer, status: { ready: 2, note: STATUS } })),
    'a status': () => sites.updateStatus(newer, wrong({ ready: STATUS })),
    conditions: () => sites.updateStatus(newer, wrong({ ready: 1, conditions: [STATUS] })),
    'a merge patch': () => sites.patch('web', { spec: { replicas: wrong(VALUE) } }),
    'a patch that is a text': () => sites.patch('web', wrong(VALUE)),
    'a JSON patch': () => sites.patchJson('web', [{ op: 'replace', path: '/spec/replicas', value: VALUE }]),
    'a test of a JSON patch': () => sites.patchJson('web', [{ op: 'test', path: '/spec/message', value: `${VALUE}2` }]),
    'a JSON patch of nothing': () => sites.patchJson('web', [{ op: 'replace', path: '/spec/none/at', value: VALUE }]),
    'fields of another manager': () =>
      sites.applyFields({ name: 'web', spec: { message: `${VALUE}2` } }, { manager: 'b' }),
    'fields of the wrong type': () =>
      sites.applyFields({ name: 'web', spec: { replicas: wrong(VALUE) } }, { manager: 'a' }),
    'too much': () => sites.create({ name: 'b', spec: { message: VALUE.repeat(100_000) } }),
    'too much in a transaction': () =>
      client.transaction(
        async (tx) => void (await tx.resource(Website).create({ name: 'b', spec: { message: VALUE.repeat(100_000) } })),
      ),
    'a hook': () => refusing.resource(Website).create({ name: 'b', annotations, spec }),
    'what is no JSON': () => sites.get('broken'),
    'what breaks the schema': () => sites.get('wrong'),
    'a sealed value at another key': () => crypted.get('moved'),
    'a sealed value that was cut': () => crypted.get('cut'),
    'a sealed value without its key': () => unsealed.get('one'),
    'a sealed value read as JSON': () => client.resource(Server).get('one'),
    'a value in place of a lease': () => store.put({ ...put.put, lease: wrong(VALUE) }),
    'a value in place of a revision': () =>
      store.txn({ compares: [{ key: '/x', target: 'mod', operator: '=', operand: wrong(VALUE) }], then: [put] }),
    'a value in place of an operator': () =>
      store.txn({ compares: [{ key: '/x', target: 'value', operator: wrong(VALUE), operand: VALUE }], then: [put] }),
    'a value that is no text': () => store.put({ key: '/x', value: wrong({ [VALUE]: VALUE }) }),
    'half a surrogate pair': () => store.put({ key: '/x', value: `${VALUE}\ud800` }),
    'one key twice': () => store.txn({ then: [put, put] }),
    'a lease that is none': () => store.put({ ...put.put, lease: 77n }),
    'a key that is missing': () => store.put({ key: '/none', value: VALUE, keepLease: true }),
    'an encryption key': async () => aesGcmTransformer({ keys: [{ id: 'k', secret: Buffer.from(KEY.slice(1)) }] }),
    'a list of what is broken': async () => {
      const { unreadable } = await sites.list();
      throw new AggregateError(unreadable, String(unreadable.length));
    },
  };
  const failed: [string, unknown][] = [];
  for (const [what, call] of Object.entries(calls)) failed.push([what, await errorOf(call())]);
  const tellsAll = failed.filter(([what]) => what !== 'a list of what is broken');
  expect(tellsAll.filter(([, error]) => !isSetpointError(error))).toEqual([]);
  return [...failed, ['the client', client], ['its kind', sites], ['the store', store], ['a transformer', sealed]];
}

/** A manager at work on good and broken objects, with everything that it says and shows. */
async function managedOutputs(outputs: Outputs, store: Store, prefix: string): Promise<void> {
  const told = (message: unknown): void => outputs.add('channel', { ...(message as object) });
  const traces = ['setpoint:write', 'setpoint:reconcile'].map((name) => tracingChannel(name));
  const handlers = { start: told, end: told, asyncStart: told, asyncEnd: told, error: told };
  const channels = ['setpoint:watch', 'setpoint:manager'].map((name) => channel(name));
  for (const trace of traces) trace.subscribe(handlers);
  for (const each of channels) each.subscribe(told);
  const websites = defineController(Website, {
    owns: [Server],
    async reconcile({ object, owned, status, event, logger }) {
      await owned(Server).apply({ name: `${object.metadata.name}-s`, spec: { message: object.spec.message } });
      event({ reason: 'Seen', message: 'it is there' });
      logger.info({}, 'seen');
      await status({ ready: object.spec.replicas });
      // Breaks the status schema, with the value in hand.
      if (object.metadata.name === 'bad') await status({ ready: object.spec.message as never });
    },
  });
  const manager = createManager({
    store,
    prefix,
    controllers: [websites],
    logger: recordingLogger(outputs),
    health: { port: 0 },
  });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  await manager.whenReady();
  const sites = manager.client.resource(Website);
  const annotations = { 'demo.dev/note': NOTE };
  for (const name of ['good', 'bad']) await sites.create({ name, annotations, spec });
  await expect.poll(async () => (await sites.get('bad')).status?.ready, { timeout: 30_000 }).toBe(1);
  await store.put({ key: `${prefix}/websites/default/good`, value: `{"spec":{"message":"${VALUE}"` });
  const url = (await manager.healthUrl())!;
  const page = async (path: string): Promise<string> => (await fetch(new URL(path, url))).text();
  await expect.poll(() => page('/debug/informers'), { timeout: 30_000 }).toMatch(/default\/good[^}]*Invalid/);
  const { pages } = JSON.parse(await page('/debug')) as { pages: readonly string[] };
  const shown = pages.filter((path) => !path.endsWith('/profile'));
  expect(shown).toEqual(['/debug/runnables', '/debug/informers', '/debug/queues', '/debug/leases']);
  for (const path of ['/healthz?verbose', '/readyz?verbose', '/metrics', ...shown]) outputs.add(path, await page(path));
  outputs.add('explanation', manager.controller('websites').explain('default/bad'));
  outputs.add('manager', manager);
  stop.abort();
  await running;
  for (const trace of traces) trace.unsubscribe(handlers);
  for (const each of channels) each.unsubscribe(told);
}

const etcds = await availableEtcds();

describe('no value, password or key', () => {
  it('F-118: is in any error, log line, metric, debug page or message of a client or manager', async () => {
    const outputs = new Outputs();
    const store = memoryStore();
    for (const [what, error] of await everyClientError(store, '/registry')) outputs.add(what, error);
    await managedOutputs(outputs, memoryStore(), '/registry');
    expect(outputs.leaks).toEqual([]);
    expect(outputs.size).toBeGreaterThan(60);
    // What is searched is searched well: in a property that nobody shows, in a cause, in bytes.
    const error = new SetpointError('Invalid', 'x', { cause: Object.defineProperty({}, 'hidden', { value: VALUE }) });
    for (const leak of [error, { [Symbol('s')]: [[NOTE]] }, `a=${PASSWORD}`, new Map([[{}, KEY]])])
      outputs.add('leak', leak);
    expect(outputs.leaks).toHaveLength(4);
  });

  it.each(etcds.slice(-1))(
    'F-118: is in any error, log line or debug page over etcd %s with users',
    async (version) => {
      const outputs = new Outputs();
      const logger = recordingLogger(outputs);
      const server = await testEtcd({ version, flags: ['--bcrypt-cost=4'] });
      const commands = [
        `user add root:${PASSWORD}`,
        'role add root',
        'user grant-role root root',
        'user add poor:x',
        'auth enable',
      ];
      for (const command of commands) await server.etcdctl(command.split(' '));
      const auth = { username: 'root', password: PASSWORD };
      const store = testStore({
        endpoints: server.endpoints,
        auth,
        logger,
        callTimeoutMs: 60_000,
        dialTimeoutMs: 20_000,
      });
      for (const [what, error] of await everyClientError(store, '/registry')) outputs.add(what, error);
      await managedOutputs(outputs, store, '/managed');

      const put = { key: '/x', value: VALUE };
      const opened = (options: Partial<EtcdStoreOptions>): Store =>
        testStore({ logger, callTimeoutMs: 20_000, dialTimeoutMs: 20_000, endpoints: server.endpoints, ...options });
      outputs.add('wrong password', await errorOf(opened({ auth: { ...auth, password: `${PASSWORD}2` } }).put(put)));
      outputs.add('no user', await errorOf(opened({}).put(put)));
      outputs.add('no permission', await errorOf(opened({ auth: { username: 'poor', password: 'x' } }).put(put)));
      const nobody = opened({ endpoints: 'http://127.0.0.1:1', auth, callTimeoutMs: 300 });
      outputs.add('nobody there', await errorOf(nobody.txn({ then: [{ put }] })));
      for (const options of [
        { endpoints: `http://root:${PASSWORD}@127.0.0.1` },
        { endpoints: 'https://a', tls: { key: KEY, cert: KEY } },
        { endpoints: 'http://a', auth: { username: '', password: PASSWORD } },
        { endpoints: 'http://a', auth: PASSWORD },
      ]) {
        outputs.add(
          'options',
          await errorOf((async () => await opened(options as never).put(put, { timeoutMs: 300 }))()),
        );
      }
      const proxy = await testProxy(server.endpoints[0]!);
      const cut = opened({ endpoints: proxy.endpoint, auth });
      await cut.put(put);
      proxy.hold('server');
      const lost = await errorOf(cut.put(put, { timeoutMs: 1000 }));
      outputs.add('lost answer', lost);
      expect(lost).toMatchObject({ code: 'OutcomeUnknown' });
      outputs.add('the store', cut);
      expect(outputs.leaks).toEqual([]);
    },
  );
});
