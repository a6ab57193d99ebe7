import { Etcd3 } from 'etcd3';
import { isSetpointError } from 'setpoint';
import { resolveOutcome, type Store } from 'setpoint/store';
import type { Fate, FrameProxy } from '../harness/frame-proxy.ts';
import { check, eventually } from './checks.ts';
import type { Cycle, Tools } from './cycle.ts';

type Loss = (Fate & { readonly type: 'drop reply' })['then'];
const LOSSES: readonly Loss[] = ['silence', 'reset', 'cut', 'goaway', 'status 14'];
const WRITES = ['/etcdserverpb.KV/Put', '/etcdserverpb.KV/DeleteRange', '/etcdserverpb.KV/Txn'];

/** An etcd behind a proxy that can be told to keep the next reply to a write, after the server has given it. */
interface LossyEtcd {
  readonly proxy: FrameProxy;
  readonly store: Store;
  readonly direct: Store;
  loseNext(how: Loss): void;
}

function lossyEtcd(t: Cycle): Promise<LossyEtcd> {
  return t.shared('lossy etcd', async (tools: Tools) => {
    const server = await tools.etcd();
    let next: Loss | undefined;
    const proxy = await tools.frameProxy(server.endpoints[0]!, {
      fate({ path }) {
        if (next === undefined || !WRITES.includes(path)) return { type: 'pass' };
        const then = next;
        next = undefined;
        return { type: 'drop reply', then };
      },
    });
    return {
      proxy,
      store: tools.store(proxy.endpoint),
      direct: tools.store(server.endpoints, { combineWrites: false }),
      loseNext: (how) => void (next = how),
    };
  });
}

const KINDS = ['create', 'update', 'delete', 'put', 'txn'] as const;
type Kind = (typeof KINDS)[number];

/** Time enough for the reply to be lost; then it says at once, or silence makes the caller give up. */
const DEADLINE_MS = 20_000;

/** One write of each kind whose reply is lost after the server has carried it out. */
export async function loseReplies(t: Cycle): Promise<void> {
  const lossy = await lossyEtcd(t);
  for (const kind of KINDS) {
    const key = `${t.prefix}${kind}`;
    const there = kind === 'update' || kind === 'delete';
    const { revision: before } = await lossy.direct.put(there ? { key, value: 'old' } : { key: '/other', value: '' });
    // It has to stand, or the write waits for it instead of being sent.
    await lossy.store.range({ key });
    const how = t.pick(LOSSES);
    const { dropped } = lossy.proxy;
    lossy.loseNext(how);
    const what = `the ${kind} whose reply was lost by ${how}`;
    const giveUp = new AbortController();
    const write = writeOf(lossy.store, { kind, key, before, signal: giveUp.signal }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    await eventually(() => lossy.proxy.dropped > dropped, `${what}: it is lost`);
    if (how === 'silence') giveUp.abort();
    const error = await write;
    check(isSetpointError(error, 'OutcomeUnknown'), `S1: ${what} was reported as ${saidBy(error)}`);
    await checkApplied(lossy, { kind, key, before, what });
  }
}

const saidBy = (error: unknown): string => (error instanceof Error ? error.message : 'done');

interface Write {
  readonly kind: Kind;
  readonly key: string;
  /** The store's revision before it. */
  readonly before: bigint;
  readonly signal: AbortSignal;
}

function writeOf(store: Store, { kind, key, before, signal }: Write): Promise<unknown> {
  const options = { timeoutMs: DEADLINE_MS, signal };
  const put = { put: { key, value: 'ours' } };
  const isAbsent = { key, target: 'create', operator: '=', operand: 0n } as const;
  const isAsRead = { key, target: 'mod', operator: '=', operand: before } as const;
  switch (kind) {
    case 'create':
      return store.txn({ compares: [isAbsent], then: [put] }, options);
    case 'update':
      return store.txn({ compares: [isAsRead], then: [put] }, options);
    case 'delete':
      return store.txn({ compares: [isAsRead], then: [{ delete: { key } }] }, options);
    case 'put':
      return store.put({ key, value: 'ours' }, options);
    case 'txn':
      return store.txn({ then: [put, { put: { key: `${key}/second`, value: 'ours' } }] }, options);
  }
}

interface Lost extends Omit<Write, 'signal'> {
  readonly what: string;
}

/** That it was applied once, and that this can be found out. */
async function checkApplied({ direct, store }: LossyEtcd, { kind, key, before, what }: Lost): Promise<void> {
  const { kvs, revision } = await direct.range({ key });
  check(revision === before + 1n, `S1: ${what} made ${revision - before} revisions`);
  const version = kvs[0]?.version ?? 0n;
  const expected = { create: 1n, update: 2n, delete: 0n, put: 1n, txn: 1n }[kind];
  check(version === expected, `S1: ${what} left the key at version ${version} instead of ${expected}`);
  const base = { create: 0n, update: before, delete: before, put: undefined, txn: undefined }[kind];
  const ours = kind === 'delete' ? ({ type }: { readonly type: string }) => type === 'delete' : 'ours';
  const outcome = await resolveOutcome(store, { key, ours, since: before, ...(base === undefined ? {} : { base }) });
  const told = outcome.state === 'applied' ? outcome.revision : outcome.state;
  check(told === revision, `S1: ${what} was applied at ${revision}, and is told as ${told}`);
}

/** The same with the default client of the etcd3 package. */
export async function loseRepliesOfEtcd3(t: Cycle): Promise<void> {
  const lossy = await lossyEtcd(t);
  const client = await t.shared('etcd3', async (tools) => {
    const made = new Etcd3({ hosts: lossy.proxy.endpoint });
    tools.defer(() => made.close());
    await made.get('/warm');
    return made;
  });
  const wrong: string[] = [];
  for (const kind of KINDS) {
    const key = `${t.prefix}${kind}`;
    const there = kind === 'update' || kind === 'delete';
    const { revision: before } = await lossy.direct.put(there ? { key, value: 'old' } : { key: '/other', value: '' });
    await client.get(key);
    // It knows no deadline, so silence would be for ever.
    lossy.loseNext(t.pick(LOSSES.filter((loss) => loss !== 'silence')));
    const said = await etcd3Write(client, kind, key, before).catch((error: Error) => error.name);
    const { revision } = await lossy.direct.range({ key });
    if (revision > before + 1n) wrong.push(`${kind} was applied ${revision - before} times`);
    else if (said === 'refused') wrong.push(`${kind} was reported as refused and is there`);
  }
  check(wrong.length === 0, wrong.join(', '));
}

/** `done`, or `refused` when it says that what it required did not hold. */
async function etcd3Write(client: Etcd3, kind: Kind, key: string, before: bigint): Promise<string> {
  const put = client.put(key).value('ours');
  switch (kind) {
    case 'create':
      return told(await client.if(key, 'Create', '==', 0).then(put).commit());
    case 'update':
      return told(await client.if(key, 'Mod', '==', Number(before)).then(put).commit());
    case 'delete':
      return told(await client.if(key, 'Mod', '==', Number(before)).then(client.delete().key(key)).commit());
    case 'put':
      await put;
      return 'done';
    case 'txn':
      return told(await client.if('/never', 'Create', '==', 0).then(put).commit());
  }
}

const told = ({ succeeded }: { readonly succeeded: boolean }): string => (succeeded ? 'done' : 'refused');
