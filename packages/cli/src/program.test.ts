import { type Clock, createClient, defineResource, memoryStore, systemClock } from 'setpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cliKind } from './cli-kind.ts';
import { runCli } from './program.ts';
import { createEventRecorder } from 'setpoint/events';
import { keyText, toBytes } from 'setpoint/store';
import { interposedStore } from '../../../test/harness/interposed-store.ts';
import { serveStore, type StoreServer } from './store-server.ts';

const kind = { group: 'demo.dev', version: 'v1' };
const Website = defineResource({
  ...kind,
  kind: 'Website',
  plural: 'websites',
  shortNames: ['web'],
  spec: z.object({
    replicas: z.int().min(0).default(1),
    message: z.string(),
    paused: z.boolean().default(false),
  }),
  status: z.object({ ready: z.int() }),
});
const Region = defineResource({ ...kind, kind: 'Region', plural: 'regions', scope: 'Cluster', spec: z.object({}) });
const websites = cliKind(Website, {
  columns: [
    { name: 'READY', value: ({ spec, status }) => `${status?.ready ?? 0}/${spec.replicas}` },
    { name: 'MESSAGE', value: ({ spec }) => spec.message, wide: true },
  ],
  scale: { replicas: ({ spec }) => spec.replicas, to: ({ spec }, replicas) => ({ ...spec, replicas }) },
  rollout: {
    progress: ({ spec, status }) => ({
      done: status?.ready === spec.replicas,
      message: `${status?.ready ?? 0} of ${spec.replicas} are ready...`,
      current: status?.ready ?? 0,
      total: spec.replicas,
    }),
    history: async ({ spec }) => [
      { revision: 1, content: { message: 'first' } },
      { revision: 2, content: { message: spec.message } },
    ],
    undo: ({ spec }, { content }) => ({ ...spec, ...(content as object) }),
    isPaused: ({ spec }) => spec.paused,
    pause: ({ spec }, paused) => ({ ...spec, paused }),
    restart: ({ spec }, now) => ({ ...spec, message: `restarted at ${now}` }),
  },
  async *logs(_object, _client, { tail }) {
    yield* ['one', 'two', 'three'].slice(-(tail ?? 3));
  },
});

/** To it everything is new: each age is `0s`, however busy the machine. */
const longAgo: Clock = {
  now: () => systemClock.now(),
  wallNow: () => Date.parse('2020-01-01T00:00:00Z'),
  setTimer: (callback, delayMs, options) => systemClock.setTimer(callback, delayMs, options),
  yield: () => systemClock.yield(),
};

describe('the command line', () => {
  const store = memoryStore();
  const client = createClient({ store });
  const sites = client.resource(Website);
  let server: StoreServer;
  beforeEach(async () => {
    server = await serveStore(store);
  });
  afterEach(async () => {
    await server.close();
    await store.delete({ prefix: '/registry/' });
  });

  /** What a command prints, both streams, then its exit code when it isn't 0. */
  async function run(line: string, signal?: AbortSignal, printed: string[] = []): Promise<string[]> {
    const say = (text: string): void => void printed.push(...text.split('\n'));
    const code = await runCli(
      {
        name: 'webctl',
        kinds: [websites, cliKind(Region)],
        clock: longAgo,
        terminal: { out: say, error: say, write: say, isTTY: false },
        ...(signal && { signal }),
      },
      ['--server', server.url, ...line.split(' ')],
    );
    return code === 0 ? printed : [...printed, `exit ${code}`];
  }
  const shows = (printed: readonly string[], lines: number) =>
    expect.poll(() => printed.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(lines);
  const create = (name: string, replicas = 2) => sites.create({ name, spec: { replicas, message: `I am ${name}` } });

  it('get: aligns columns as kubectl does, also wide, by name and of all namespaces', async () => {
    expect(await run('get web')).toEqual(['No resources found in default namespace.']);
    await create('a');
    await create('longer');
    await sites.create({ name: 'far', namespace: 'other', spec: { message: 'x' }, labels: { tier: 'far' } });
    expect(await run('get websites')).toEqual(['NAME     READY   AGE', 'a        0/2     0s', 'longer   0/2     0s']);
    expect(await run('get web a -o wide')).toEqual(['NAME   READY   AGE   MESSAGE', 'a      0/2     0s    I am a']);
    expect(await run('get web -o name')).toEqual(['website.demo.dev/a', 'website.demo.dev/longer']);
    expect(await run('get web -A -l tier=far --show-labels')).toEqual([
      'NAMESPACE   NAME   READY   AGE   LABELS',
      'other       far    0/1     0s    tier=far',
    ]);
    expect(await run('get web,regions')).toContain('website.demo.dev/a        0/2     0s');
  });

  it('get: gives objects as json and yaml, a single one by itself', async () => {
    await create('a');
    const json = JSON.parse((await run('get web/a -o json')).join('\n')) as { kind: string; spec: object };
    expect(json).toMatchObject({ kind: 'Website', spec: { replicas: 2, message: 'I am a' } });
    expect((await run('get web -o yaml')).slice(0, 2)).toEqual(['apiVersion: v1', 'kind: List']);
    expect(await run('get web a -o toml')).toEqual([expect.stringContaining('unable to match a printer'), 'exit 1']);
  });

  it('get -w: shows what is there and then each change, until it is stopped', async () => {
    await create('a');
    const stop = new AbortController();
    const printed: string[] = [];
    const following = run('get web -w', stop.signal, printed);
    await shows(printed, 2);
    await sites.modifyStatus({ name: 'a' }, () => ({ ready: 2 }));
    await shows(printed, 3);
    await create('b');
    await shows(printed, 4);
    stop.abort();
    expect(await following).toEqual([
      'NAME   READY   AGE',
      'a      0/2     0s',
      'a      2/2     0s',
      'b      0/2     0s',
    ]);
  });

  it('says what is wrong with a kind, a name, a command or a flag, and what was probably meant', async () => {
    expect(await run('get website')).toHaveLength(1);
    expect(await run('get wesbites')).toEqual([
      'error: the server doesn\'t have a resource type "wesbites". Did you mean "websites"?',
      'exit 1',
    ]);
    expect(await run('get web nobody')).toEqual([
      'Error from server (NotFound): websites.demo.dev "nobody" not found',
      'exit 1',
    ]);
    expect((await run('gte web')).join(' ')).toContain('Did you mean get?');
    expect((await run('scale web/a --replica=3')).join(' ')).toContain('Did you mean --replicas?');
    expect(await run('scale web/a --replicas=many')).toEqual([expect.stringContaining('whole number'), 'exit 1']);
    expect(await run('scale regions/eu --replicas=1')).toEqual([
      'error: scale is not possible for regions.demo.dev',
      'exit 1',
    ]);
    expect(await run('get web -l a=b=c')).toEqual([expect.stringContaining('can\'t read "a=b=c"'), 'exit 1']);
    expect(await run('get web -n Bad_NS')).toEqual([expect.stringContaining('got "Bad_NS"'), 'exit 1']);
    expect(await run('get web,regions a')).toEqual([
      'error: when naming objects, give one kind: get deploy web',
      'exit 1',
    ]);
    expect(await run('rollout statsu web/a')).toEqual([
      "error: unknown command 'statsu'",
      '(Did you mean status?)',
      'exit 1',
    ]);
    for (const line of ['delete web/a', 'rollout status web/a']) {
      expect(await run(`${line} --timeout=soon`)).toEqual([
        'error: --timeout: expected a number of seconds, got "soon"',
        'exit 1',
      ]);
    }
    expect(await run('apply')).toEqual(["error: required option '-f, --filename <file...>' not specified", 'exit 1']);
    expect(await run('delete web')).toEqual(['error: resource(s) were provided, but no name was specified', 'exit 1']);
  });

  it('apply -f: creates, configures, leaves alone; and writes nothing when one of many documents is bad', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
    const folder = await mkdtemp(`${(await import('node:os')).tmpdir()}/setpoint-cli-`);
    const file = `${folder}/sites.yaml`;
    const document = (name: string, replicas: unknown) =>
      `apiVersion: demo.dev/v1\nkind: Website\nmetadata: { name: ${name} }\nspec: { replicas: ${String(replicas)}, message: hi }\n`;
    try {
      await writeFile(file, [document('a', 1), document('b', 1)].join('---\n'));
      expect(await run(`apply -f ${file}`)).toEqual(['website.demo.dev/a created', 'website.demo.dev/b created']);
      await writeFile(file, [document('a', 1), document('b', 2)].join('---\n'));
      expect(await run(`apply -f ${file}`)).toEqual(['website.demo.dev/a unchanged', 'website.demo.dev/b configured']);
      await writeFile(file, [document('c', 1), document('d', 'few')].join('---\n'));
      expect(await run(`apply -f ${file}`)).toEqual([
        expect.stringMatching(/sites\.yaml:9:9: .*spec\.replicas/),
        'exit 1',
      ]);
      expect(await run('get web c')).toEqual([expect.stringContaining('not found'), 'exit 1']);
      await writeFile(file, document('a', 1));
      expect(await run(`delete -f ${file}`)).toEqual(['website.demo.dev "a" deleted']);
      expect(await run(`apply -f ${folder}/nothing.yaml`)).toEqual([
        expect.stringContaining('does not exist'),
        'exit 1',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('apply -f: says what was applied when a later document is refused by the store', async () => {
    const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
    const folder = await mkdtemp(`${(await import('node:os')).tmpdir()}/setpoint-cli-`);
    const document = (name: string, message: string) =>
      `apiVersion: demo.dev/v1\nkind: Website\nmetadata: { name: ${name} }\nspec: { message: ${message} }\n`;
    try {
      const huge = 'x'.repeat(2 << 20);
      await writeFile(`${folder}/sites.yaml`, [document('a', 'hi'), document('b', huge)].join('---\n'));
      const printed = await run(`apply -f ${folder}`);
      expect(printed.slice(0, 2)).toEqual([
        'website.demo.dev/a created',
        '1 of 2 objects were applied, the other 1 were not:',
      ]);
      expect(printed[2]).toMatch(/^Error from server \(TooLarge\): /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('scale, and only if the present count is the expected one', async () => {
    await create('a');
    expect(await run('scale web/a --replicas=5')).toEqual(['website.demo.dev/a scaled']);
    expect((await sites.get({ name: 'a' })).spec.replicas).toBe(5);
    expect(await run('scale web a --replicas=1 --current-replicas=2')).toEqual([
      'error: Expected replicas to be 2, was 5',
      'exit 1',
    ]);
  });

  it('delete: waits until finalizers have let go, as long as it is told to', async () => {
    const object = await create('a');
    await sites.addFinalizer(object, 'demo.dev/hold');
    expect(await run('delete web/a --timeout 0.2')).toEqual([
      'website.demo.dev "a" deleted',
      'error: timed out waiting for websites.demo.dev "a" to be gone',
      'exit 1',
    ]);
    await sites.removeFinalizer({ name: 'a' }, 'demo.dev/hold');
    expect(await run('get web')).toEqual(['No resources found in default namespace.']);
    expect(await run('delete web a --ignore-not-found')).toEqual([]);
  });

  it('rollout: status follows to the end; history, undo, pause, resume and restart', async () => {
    await create('a');
    const printed: string[] = [];
    const following = run('rollout status web/a', undefined, printed);
    await shows(printed, 1);
    await sites.modifyStatus({ name: 'a' }, () => ({ ready: 2 }));
    expect(await following).toEqual([
      'Waiting for website "a" rollout to finish: 0 of 2 are ready...',
      'website "a" successfully rolled out',
    ]);
    expect(await run('rollout history web/a')).toEqual([
      'website.demo.dev/a',
      'REVISION   CHANGE-CAUSE',
      '1          <none>',
      '2          <none>',
    ]);
    expect(await run('rollout undo web/a')).toEqual(['website.demo.dev/a rolled back']);
    expect((await sites.get({ name: 'a' })).spec.message).toBe('first');
    expect(await run('rollout undo web/a --to-revision=9')).toEqual([
      expect.stringContaining('there is 1, 2'),
      'exit 1',
    ]);
    expect(await run('rollout pause web/a')).toEqual(['website.demo.dev/a paused']);
    expect(await run('rollout pause web/a')).toEqual(['error: website.demo.dev/a is already paused', 'exit 1']);
    expect(await run('rollout undo web/a')).toEqual([expect.stringContaining('paused'), 'exit 1']);
    expect(await run('rollout resume web/a')).toEqual(['website.demo.dev/a resumed']);
    expect(await run('rollout restart web/a')).toEqual(['website.demo.dev/a restarted']);
    expect((await sites.get({ name: 'a' })).spec.message).toMatch(/^restarted at 20/);
  });

  it('rollout status ends with an error when the object is deleted meanwhile, or time is up', async () => {
    await create('a');
    expect(await run('rollout status web/a --timeout 0.2')).toContain('error: timed out waiting for the condition');
    const printed: string[] = [];
    const following = run('rollout status web/a', undefined, printed);
    await shows(printed, 1);
    await sites.delete({ name: 'a' });
    expect((await following).slice(-2)).toEqual(['error: website "a" has been deleted', 'exit 1']);
  });

  it('interrupted, a command that waits for something does not say that it has come about', async () => {
    await sites.addFinalizer(await create('a'), 'demo.dev/hold');
    for (const command of ['rollout status web/a', 'delete web/a --timeout 60']) {
      const stop = new AbortController();
      const printed: string[] = [];
      const waiting = run(command, stop.signal, printed);
      await shows(printed, 1);
      stop.abort();
      expect((await waiting).at(-1)).toBe('exit 130');
    }
  });

  it('logs, by kind and name or the name alone', async () => {
    await create('a');
    expect(await run('logs web/a --tail 2')).toEqual(['two', 'three']);
    expect(await run('logs a')).toEqual(['one', 'two', 'three']);
  });

  it('describe, with conditions and events; events by themselves', async () => {
    const site = await create('a');
    await sites.modifyStatus(site, () => ({
      ready: 1,
      conditions: [
        {
          type: 'Available',
          status: 'True',
          reason: 'Up',
          message: 'it is',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    }));
    const recorder = createEventRecorder({ client });
    recorder.for('websites')(site, { reason: 'Started', message: 'off it goes' });
    for (const _ of [1, 2]) recorder.for('probes')(site, { type: 'Warning', reason: 'Slow', message: 'it takes long' });
    await recorder.run(AbortSignal.abort());
    expect((await run('describe web a')).map((line) => line.replace(/ {2,}.* GMT$/, '  DATE'))).toEqual([
      'Name:               a',
      'Namespace:          default',
      'CreationTimestamp:  DATE',
      'Labels:             <none>',
      'Annotations:        <none>',
      'Generation:         1',
      'Spec:',
      '  replicas: 2',
      '  message: I am a',
      '  paused: false',
      'Status:',
      '  ready: 1',
      'Conditions:',
      '  Type        Status   Reason   Message',
      '  ----        ------   ------   -------',
      '  Available   True     Up       it is',
      'Events:',
      '  Type      Reason    Age               From       Message',
      '  ----      ------    ---               ----       -------',
      '  Normal    Started   0s                websites   off it goes',
      '  Warning   Slow      0s (x2 over 0s)   probes     it takes long',
    ]);
    expect(await run('events --for web/a')).toEqual([
      'LAST SEEN         TYPE      REASON    OBJECT      MESSAGE',
      '0s                Normal    Started   website/a   off it goes',
      '0s (x2 over 0s)   Warning   Slow      website/a   it takes long',
    ]);
    expect((await run('get events -o name')).map((line) => line.replace(/a\..*/, 'a.*'))).toEqual([
      'event.events.setpoint.dev/a.*',
      'event.events.setpoint.dev/a.*',
    ]);
    expect(await run('get all -o name')).toEqual(['website.demo.dev/a']);
    expect(await run('events --for web/b')).toEqual(['No events found in default namespace.']);
  });

  it('describe: reads the events once, however many objects it shows', async () => {
    for (const name of ['a', 'b', 'c']) await create(name);
    let reads = 0;
    const counted = interposedStore(store, {
      range(request, ask) {
        if ('key' in request && keyText(toBytes(request.key)).startsWith('/registry/events/')) reads++;
        return ask(request);
      },
    });
    await using other = await serveStore(counted);
    expect((await run(`describe web --server ${other.url}`)).filter((line) => line === 'Events:  <none>')).toHaveLength(
      3,
    );
    expect(reads).toBe(1);
  });

  it('says where it looked when nothing is there', async () => {
    await server.close();
    const printed = (await run('get web')).join('\n');
    expect(printed).toContain('The connection to the server was refused');
    expect(printed).toContain(server.url);
    expect(printed).toContain('exit 1');
  });
});
