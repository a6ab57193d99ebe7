import { describe, expect, it } from 'vitest';
import { errorOf, revisionOf, sampleClient, Website } from '../../../../test/harness/sample-objects.ts';
import { isSetpointError } from '../errors/index.ts';
import { memoryStore } from '../store/index.ts';
import { admit, createClient } from './index.ts';

const spec = { message: 'hello' };
/** What callers from JavaScript may pass although the types forbid it. */
const bad = (value: unknown): never => value as never;

/** Two objects, of which one is being deleted, and every client call at hand. */
async function prepared() {
  const sample = sampleClient();
  const { websites, nodes } = sample;
  await nodes.create({ name: 'n', spec: { address: 'a' } });
  const web = await websites.create({ name: 'web', finalizers: ['demo.dev/f'], spec: { ...spec, region: 'eu' } });
  await websites.create({ name: 'dying', finalizers: ['demo.dev/f'], spec });
  const dying = await websites.delete('dying');
  await websites.applyFields({ name: 'fields', spec }, { manager: 'first' });
  return { ...sample, web, dying };
}

type Prepared = Awaited<ReturnType<typeof prepared>>;
type Call = (given: Prepared) => unknown;

/** Each rule broken once: what, how, the path that the error has, and what its message says besides. */
const ROWS: readonly (readonly [what: string, call: Call, path: string | undefined, says: RegExp, code?: string])[] = [
  ['nothing to create', ({ websites: w }) => w.create(bad(undefined)), 'reference', /expected .* got nothing/],
  ['no name', ({ websites: w }) => w.create(bad({ spec })), 'name', /expected a name, got nothing/],
  ['a bad name', ({ websites: w }) => w.create({ name: 'Web', spec }), 'name', /Website: name: expected .* got "Web"/],
  ['a name with a slash', ({ websites: w }) => w.create({ name: '../x', spec }), 'name', /got "\.\.\/x"/],
  ['a bad namespace', ({ websites: w }) => w.create({ name: 'b', namespace: 'A_b', spec }), 'namespace', /got "A_b"/],
  [
    'a namespace too many',
    ({ nodes: n }) => n.create({ name: 'b', namespace: 'x', spec: bad({}) }),
    'namespace',
    /cluster-scoped/,
  ],
  ['a bad reference', ({ websites: w }) => w.get('a/b/c'), 'reference', /expected "namespace\/name".* got "a\/b\/c"/],
  [
    'a generated name of nothing',
    ({ websites: w }) => w.create({ generateName: 'A', spec }),
    'generateName',
    /such as "web-", got "A"/,
  ],
  ['no spec', ({ websites: w }) => w.create(bad({ name: 'b' })), 'spec', /expected an object, got nothing/],
  [
    'a spec out of bounds',
    ({ websites: w }) => w.create({ name: 'b', spec: { ...spec, replicas: -1 } }),
    'spec.replicas',
    /got a number/,
  ],
  [
    'a misspelt field of the spec',
    ({ websites: w }) => w.create({ name: 'b', spec: bad({ ...spec, replcas: 1 }) }),
    'spec.replcas',
    /Did you mean "replicas"/,
  ],
  [
    'a misspelt field of the input',
    ({ websites: w }) => w.create(bad({ name: 'b', spec, lables: {} })),
    'lables',
    /Did you mean "labels"/,
  ],
  [
    'a version of its own',
    ({ websites: w }) => w.create(bad({ name: 'b', spec, resourceVersion: '5' })),
    'resourceVersion',
    /Leave it out/,
  ],
  [
    'what JSON has no word for',
    ({ websites: w }) => w.create({ name: 'b', spec: bad({ message: new Date(0) }) }),
    'spec.message',
    /got a Date/,
  ],
  [
    'a list for labels',
    ({ websites: w }) => w.create({ name: 'b', spec, labels: bad(['a']) }),
    'metadata.labels',
    /got an array\. An empty one/,
  ],
  ['null for labels', ({ websites: w, web }) => w.update(web, { labels: bad(null) }), 'metadata.labels', /got null/],
  [
    'a bad label',
    ({ websites: w }) => w.create({ name: 'b', spec, labels: { a: 'b c' } }),
    'metadata.labels["a"]',
    /expected at most 63/,
  ],
  [
    'a bad annotation',
    ({ websites: w }) => w.create({ name: 'b', spec, annotations: bad({ a: 5 }) }),
    'metadata.annotations["a"]',
    /got a number/,
  ],
  [
    'a bad finalizer',
    ({ websites: w }) => w.create({ name: 'b', spec, finalizers: ['a b'] }),
    'metadata.finalizers[0]',
    /got "a b"/,
  ],
  [
    'a finalizer on what is being deleted',
    ({ websites: w }) => w.addFinalizer('dying', 'demo.dev/g'),
    'metadata.finalizers',
    /Wait until it is gone/,
  ],
  [
    'an owner without a uid',
    ({ websites: w }) =>
      w.create({ name: 'b', spec, ownerReferences: bad([{ apiVersion: 'v1', kind: 'K', name: 'x' }]) }),
    'metadata.ownerReferences[0].uid',
    /got nothing/,
  ],
  [
    'an owner that is a text',
    ({ websites: w }) => w.apply({ name: 'b', spec, owner: bad('web') }),
    'owner',
    /as it was read, got a string/,
  ],
  ['an update by name', ({ websites: w }) => w.update(bad('web'), { labels: {} }), 'object', /Use modify/],
  [
    'an update without a version',
    ({ websites: w, web }) => w.update({ ...web, metadata: { ...web.metadata, resourceVersion: bad(undefined) } }, {}),
    'metadata.resourceVersion',
    /Read the object first/,
  ],
  ['changes that are a list', ({ websites: w, web }) => w.update(web, bad([])), 'changes', /got an array/],
  [
    'an edited uid',
    ({ websites: w, web }) => w.update({ ...web, metadata: { ...web.metadata, uid: 'x' } }),
    'metadata.uid',
    /the library decides it/,
  ],
  ['an edited kind', ({ websites: w, web }) => w.update({ ...web, kind: 'Other' }), 'kind', /can't be changed/],
  [
    'an edited status',
    ({ websites: w, web }) => w.update({ ...web, status: { ready: 5 } }),
    'status',
    /Use updateStatus/,
  ],
  [
    'a deletion taken back',
    ({ websites: w, dying }) =>
      w.update({ ...dying, metadata: { ...dying.metadata, deletionTimestamp: bad(undefined) } }),
    'metadata.deletionTimestamp',
    /can't be changed/,
  ],
  [
    'an immutable field',
    ({ websites: w }) => w.patch('web', { spec: { region: 'us' } }),
    'spec.region',
    /Delete the Website and create it again/,
  ],
  ['no function', ({ websites: w }) => w.modify('web', bad({ labels: {} })), 'change', /Use update/],
  [
    'a function that takes its time',
    ({ websites: w }) =>
      w.modify(
        'web',
        bad(async () => ({ labels: {} })),
      ),
    'change',
    /got a Promise/,
  ],
  [
    'a function that makes a text',
    ({ websites: w }) =>
      w.modifyStatus(
        'web',
        bad(() => 'x'),
      ),
    'change',
    /got a string/,
  ],
  [
    'no attempts',
    ({ websites: w }) => w.modify('web', () => ({ labels: { a: 'b' } }), { attempts: 0 }),
    'options.attempts',
    /at least 1, got 0/,
  ],
  [
    'a dry run that is a text',
    ({ websites: w }) => w.modify('web', () => ({ labels: { a: 'b' } }), { dryRun: bad('yes') }),
    'options.dryRun',
    /true or false/,
  ],
  [
    'a misspelt dry run',
    ({ websites: w }) => w.patch('web', { spec: { replicas: 3 } }, bad({ dryrun: true })),
    'options.dryrun',
    /Did you mean "dryRun"/,
  ],
  [
    'a lease that is a number',
    ({ websites: w }) => w.patch('web', { spec: { replicas: 3 } }, { lease: bad(5) }),
    'options.lease',
    /as a bigint/,
  ],
  [
    'a time below nothing',
    ({ websites: w }) => w.patch('web', { spec: { replicas: 3 } }, { timeoutMs: -1 }),
    'options.timeoutMs',
    /above 0, got -1/,
  ],
  [
    'a status of the wrong type',
    ({ websites: w, web }) => w.updateStatus(web, { ready: bad('x') }),
    'status.ready',
    /got a string/,
  ],
  [
    'a condition twice',
    ({ websites: w, web }) => w.updateStatus(web, { ready: 1, conditions: bad([{ type: 'A' }]) }),
    'status.conditions[0].status',
    /got nothing/,
  ],
  [
    'a patch of the wrong part',
    ({ websites: w }) => w.patch('web', { status: { ready: 1 } }),
    'status',
    /Say \{ subresource: 'status' \}/,
  ],
  [
    'a subresource that is none',
    ({ websites: w }) => w.patch('web', { status: { ready: 1 } }, { subresource: bad('stats') }),
    'options.subresource',
    /"status"/,
  ],
  [
    'a JSON patch to nowhere',
    ({ websites: w }) => w.patchJson('web', [{ op: 'remove', path: '/spec/none' }]),
    'patch[0]',
    /nothing at that path/,
  ],
  [
    'a JSON patch by index alone',
    ({ websites: w }) => w.patchJson('web', [{ op: 'remove', path: '/metadata/finalizers/0' }]),
    'patch[0]',
    /Put a test/,
  ],
  [
    'an applier without a name',
    ({ websites: w }) => w.applyFields({ name: 'web' }, bad(undefined)),
    'options',
    /got nothing/,
  ],
  [
    "another applier's field",
    ({ websites: w }) => w.applyFields({ name: 'fields', spec: { message: 'x' } }, { manager: 'second' }),
    'spec.message',
    /\(of "first"\).* take them over with force/,
    'Conflict',
  ],
  ['an apply without a spec', ({ websites: w }) => w.apply(bad({ name: 'web' })), 'spec', /got nothing/],
  [
    'a propagation that is none',
    ({ websites: w }) => w.delete('web', { propagation: bad('Up') }),
    'propagation',
    /"Orphan"/,
  ],
  [
    'a misspelt selector of a delete',
    ({ websites: w }) => w.deleteCollection(bad({ labelSelecter: 'a=b' })),
    'options.labelSelecter',
    /Did you mean "labelSelector"/,
  ],
  [
    'a selector that is a number',
    ({ websites: w }) => w.deleteCollection({ labelSelector: bad(5) }),
    'labelSelector',
    /got a number\. Write key=value/,
  ],
  [
    'a selector that can not be read',
    ({ websites: w }) => w.list({ fieldSelector: 'spec.replicas>3' }),
    'fieldSelector',
    /Write path=value/,
  ],
  [
    'a misspelt field to select by',
    ({ websites: w }) => w.deleteCollection({ fieldSelector: 'spec.replica!=3' }),
    'fieldSelector',
    /no spec\.replica\. Did you mean "replicas"/,
  ],
  ['a limit below nothing', ({ websites: w }) => w.list({ limit: -1 }), 'limit', /at least 1, got -1/],
  ['a made-up token', ({ websites: w }) => w.list({ continue: 'x' }), 'continue', /unchanged, or list from the start/],
  ['a kind without a scale', ({ nodes: n }) => n.scale('n', 3), 'scale', /specReplicasPath/],
  ['no body of a transaction', ({ client: c }) => c.transaction(bad(undefined)), 'body', /got nothing/],
  ['no kind', ({ client: c }) => c.resource(bad({})), 'definition', /made by defineResource/],
  ['no store', () => createClient({ store: bad(undefined) }), 'store', /memoryStore\(\)/],
  ['an empty prefix', ({ store }) => createClient({ store, prefix: '' }), 'prefix', /got ""/],
  ['a hook of nothing', () => admit(Website, { name: 'x' }), 'validate', /mutate or validate/],
];

describe('bad input', () => {
  for (const [what, call, path, says, code = 'Invalid'] of ROWS) {
    it(`${what}: is refused with code, path, what was expected and what came; nothing is written`, async () => {
      const given = await prepared();
      const before = await revisionOf(given.store);
      const error = await errorOf((async () => await call(given))());
      expect(isSetpointError(error)).toBe(true);
      expect(error).toMatchObject({ code, details: { path } });
      expect((error as Error).message).toMatch(says);
      expect(await revisionOf(given.store)).toBe(before);
    });
  }

  it('refuses a misspelt option of the client itself: it might be where everything is written', () => {
    const create = () => createClient({ store: memoryStore(), prefx: '/mine' } as never);
    expect(create).toThrow(/Invalid.*createClient has no option 'prefx': did you mean 'prefix'/);
    expect(() => createClient(undefined as never)).toThrow(/createClient takes an object of options; got nothing/);
  });

  it('refuses what is asked of a transaction that is over, instead of dropping it', async () => {
    const { client, store } = await prepared();
    let kept: Parameters<Parameters<typeof client.transaction>[0]>[0] | undefined;
    await client.transaction(async (tx) => void (kept = tx));
    const before = await revisionOf(store);
    const late = kept!.resource(Website).create({ name: 'late', spec });
    expect(await errorOf(late)).toMatchObject({ code: 'Invalid', details: { path: 'transaction' } });
    expect(await revisionOf(store)).toBe(before);
  });

  it('throws what the function of a caller throws, as it is', async () => {
    const { websites } = await prepared();
    const own = new TypeError('mine');
    const failing = websites.modify('web', () => {
      throw own;
    });
    expect(await errorOf(failing)).toBe(own);
  });
});
