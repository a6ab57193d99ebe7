import { describe, expect, it } from 'vitest';
import { errorOf, Node, revisionOf, sampleClient, Server, Website } from '../../../../test/harness/sample-objects.ts';
import { child, type Child } from './index.ts';

const KINDS = { kinds: [Server, Website] };

async function withOwner() {
  const made = sampleClient();
  const owner = await made.websites.create({ name: 'owner', spec: { message: 'o' } });
  const apply = (children: readonly Child[], options = {}) =>
    made.client.applyChildren(owner, children, { ...KINDS, ...options });
  const actions = async (children: readonly Child[], options = {}) => {
    const report = await apply(children, options);
    return report.children.map(({ action, kind, name }) => `${action} ${kind} ${name}`).toSorted();
  };
  return { ...made, owner, apply, actions };
}

const server = (name: string, message = 'm', more = {}) => child(Server, { name, spec: { message }, ...more });

describe('an apply of children', () => {
  it('orders thirty layers that all come after the one before in no time', async () => {
    const { apply } = await withOwner();
    const all: Child[] = [];
    for (let layer = 0; layer < 30; layer++) {
      const after = all.slice(-2);
      all.push(...['a', 'b'].map((side) => server(`${side}-${layer}`, 'm', { after })));
    }
    expect((await apply(all, { dryRun: true })).children).toHaveLength(60);
  });

  it('creates, updates and prunes what the owner manages, says what changed, and then does nothing', async () => {
    const { actions, apply, servers, websites, owner, store } = await withOwner();
    await servers.create({ name: 'stranger', spec: { message: 'x' } });
    expect(await actions([server('a'), server('b')])).toEqual(['created Server a', 'created Server b']);
    const site = child(Website, { name: 'site', spec: { message: 's' } });
    const report = await apply([server('b', 'new'), site]);
    expect(report.complete).toBe(true);
    expect(report.children.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'updated b',
      'created site',
      'deleted a',
    ]);
    expect(report.children[0]!.changes).toEqual([{ path: 'spec.message', before: 'm', after: 'new' }]);
    const before = await revisionOf(store);
    expect(await actions([server('b', 'new'), site])).toEqual(['unchanged Server b', 'unchanged Website site']);
    expect(await revisionOf(store)).toBe(before);
    const left = [...(await servers.list()).items, ...(await websites.list()).items];
    expect(left.map(({ metadata }) => metadata.name).toSorted()).toEqual(['b', 'owner', 'site', 'stranger']);
    expect((await servers.get('b')).metadata.ownerReferences?.[0]?.uid).toBe(owner.metadata.uid);
  });

  it('says what it would do, and does nothing, in a dry run', async () => {
    const { actions, store } = await withOwner();
    await actions([server('a')]);
    const before = await revisionOf(store);
    const dry = await actions([server('b'), server('c')], { dryRun: true });
    expect(dry).toEqual(['created Server b', 'created Server c', 'deleted Server a']);
    expect(await revisionOf(store)).toBe(before);
    expect(await actions([server('b')], { prune: false })).toEqual(['created Server b']);
  });

  it('makes a child once those are ready that it comes after, and lets it go before them', async () => {
    const { apply, actions, servers } = await withOwner();
    const db = child(Server, { name: 'db', spec: { message: 'm' }, ready: ({ status }) => status?.up === true });
    const list = [server('web', 'm', { after: [db] }), db];
    const first = await apply(list);
    expect(first.complete).toBe(false);
    expect(first.children).toMatchObject([
      { action: 'created', name: 'db' },
      { action: 'waiting', name: 'web', waitsFor: ['servers/db'] },
    ]);
    await servers.modifyStatus('db', () => ({ up: true }));
    expect(await actions(list)).toEqual(['created Server web', 'unchanged Server db']);
    await servers.addFinalizer('web', 'demo.dev/slow');
    expect(await actions([])).toEqual(['deleted Server web', 'waiting Server db']);
    expect(await actions([])).toEqual(['waiting Server db', 'waiting Server web']);
    await servers.removeFinalizer('web', 'demo.dev/slow');
    expect(await actions([])).toEqual(['deleted Server db']);
    expect(await actions([])).toEqual([]);
  });

  it('gives everything up with its signal, also the look at what is there', async () => {
    const { client, owner } = await withOwner();
    const options = { ...KINDS, signal: AbortSignal.abort() };
    await expect(client.applyChildren(owner, [], options)).rejects.toMatchObject({ code: 'Aborted' });
  });

  it('forgets what a child came after once it comes after nothing, also when the order is turned round', async () => {
    const { actions, servers } = await withOwner();
    const b = server('b');
    await actions([b, server('a', 'm', { after: [b] })]);
    const a = server('a');
    expect(await actions([a, server('b', 'm', { after: [a] })])).toEqual(['updated Server a', 'updated Server b']);
    expect(await actions([])).toEqual(['deleted Server b', 'waiting Server a']);
    expect(await actions([])).toEqual(['deleted Server a']);
    expect((await servers.list()).items).toEqual([]);
  });

  it('keeps children of one name apart that a cluster-scoped owner has in several namespaces', async () => {
    const { client, servers } = sampleClient();
    const owner = await client.resource(Node).create({ name: 'n1', spec: { address: 'x' } });
    const apply = (children: readonly Child[]) => client.applyChildren(owner, children, KINDS);
    const [home, shop] = [server('a'), server('a', 'shop', { namespace: 'shop' })];
    const last = server('b', 'm', { namespace: 'shop', after: [home, shop] });
    const places = async (children: readonly Child[]) =>
      (await apply(children)).children.map(({ action, namespace, name }) => `${action} ${namespace}/${name}`);
    expect(await places([home, shop, last])).toEqual(['created default/a', 'created shop/a', 'created shop/b']);
    expect(await places([home, shop, last])).toEqual(['unchanged default/a', 'unchanged shop/a', 'unchanged shop/b']);
    const leaving = await apply([home]);
    expect(leaving.children.map(({ waitsFor }) => waitsFor)).toEqual([[], ['servers/shop/b'], []]);
    expect(await places([home])).toEqual(['unchanged default/a', 'deleted shop/a']);
    expect((await servers.list({ namespace: 'shop' })).items).toEqual([]);
    await expect(apply([home, server('a', 'm', { namespace: 'default' })])).rejects.toThrow(
      'servers/a: it is there twice',
    );
  });

  it('refuses a list that makes no sense, before anything is written', async () => {
    const { apply, store } = await withOwner();
    const before = await revisionOf(store);
    const lone = server('lone');
    for (const list of [
      [server('a'), server('a')],
      [server('a', 'm', { after: [lone] })],
      [server('a', 'm', { after: ['servers/b' as never] })],
      [child(Node, { name: 'n', spec: { address: 'x' } })],
      [{ name: 'a' } as never],
      'x' as never,
    ]) {
      expect(await errorOf(apply(list as Child[]))).toMatchObject({ code: 'Invalid' });
    }
    expect(() => child(Server, {} as never)).toThrow(/name/);
    const elsewhere = server('a', 'm', { namespace: 'elsewhere' });
    expect(await errorOf(apply([elsewhere]))).toMatchObject({ code: 'Invalid' });
    expect(await revisionOf(store)).toBe(before);
  });
});
