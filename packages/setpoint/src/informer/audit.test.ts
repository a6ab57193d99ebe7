import { afterEach, describe, expect, it } from 'vitest';
import { type Interposer, interposedStore } from '../../../../test/harness/interposed-store.ts';
import { SetpointError } from '../errors/index.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { textCodec } from '../resource/index.ts';
import { keyText, memoryStore, type RangeRequest, type WatchBatch, type WatchEvent } from '../store/index.ts';
import type { AuditOptions } from './audit.ts';
import type { AuditFinding } from './audit-pass.ts';
import { createInformer } from './informer.ts';

/** Long enough for one comparison, whatever the jitter, and too short for three. */
const ONE_PERIOD_MS = 400_000;

const stops: AbortController[] = [];
afterEach(() => stops.splice(0).forEach((stop) => stop.abort()));

interface Faults {
  /** The server loses these events. */
  loses: (event: WatchEvent) => boolean;
  /** Batches wait for this. */
  held: Promise<void> | undefined;
  /** The server sends no progress marks, as etcd 3.4.23 doesn't. */
  mute: boolean;
}

/** A running informer over `/r`, and a server that loses what it is told to lose. */
async function following(options: { keys?: number; audit?: AuditOptions | boolean; range?: Interposer['range'] } = {}) {
  const clock = new FakeClock();
  const real = memoryStore({ clock });
  const faults: Faults = { loses: () => false, held: undefined, mute: false };
  const asked: RangeRequest[] = [];
  const store = interposedStore(real, {
    range(request, ask) {
      asked.push(request);
      return options.range ? options.range(request, ask) : ask(request);
    },
    watch: (request, open) => lossy(open(request), faults),
  });
  const names = Array.from({ length: options.keys ?? 0 }, (_, at) => `/r/key-${at}`);
  for (let from = 0; from < names.length; from += 100) {
    await real.txn({ then: names.slice(from, from + 100).map((key) => ({ put: { key, value: 'x' } })) });
  }
  const audit = options.audit ?? true;
  const informer = createInformer<string>({
    store,
    prefix: '/r',
    codec: textCodec,
    clock,
    random: seededRandom(1),
    audit,
  });
  const findings: AuditFinding[] = [];
  const told: string[] = [];
  informer.on('divergence', (finding) => findings.push(finding));
  informer.on('error', ({ during, error }) => told.push(`${during}: ${String(error)}`));
  informer.addEventHandler({
    add: (object, { key }) => told.push(`add ${key}=${object}`),
    update: (_old, object, { key }) => told.push(`update ${key}=${object}`),
    delete: (_object, { key }) => told.push(`delete ${key}`),
  });
  const stop = new AbortController();
  stops.push(stop);
  const running = informer.run(stop.signal);
  await informer.whenSynced();
  await settle();
  told.length = 0;
  asked.length = 0;
  return { clock, real, faults, asked, informer, findings, told, stop, running };
}

async function* lossy(batches: AsyncIterable<WatchBatch>, faults: Faults): AsyncGenerator<WatchBatch> {
  for await (const { revision, events } of batches) {
    await faults.held;
    const kept = events.filter((event) => !faults.loses(event));
    if (kept.length > 0 || !faults.mute) yield { revision, events: kept };
  }
}

const deleteOf = (name: string) => (event: WatchEvent) => event.type === 'delete' && keyText(event.kv.key) === name;
const anyEvent = (): boolean => true;

describe('the audit', () => {
  it('F-37, F-38: finds and heals a delete that the server lost', async () => {
    const { clock, real, faults, informer, findings, told } = await following({ keys: 3 });
    faults.loses = deleteOf('/r/key-1');
    await real.delete({ key: '/r/key-1' });
    await real.put({ key: '/r/other', value: 'later' });
    await settle();
    expect(informer.lister.has('key-1')).toBe(true);

    await clock.advance(ONE_PERIOD_MS);
    expect(findings).toEqual([
      { revision: 4n, comparedKeys: 3, divergedKeys: 1, examples: [{ key: 'key-1', cachedRevision: 2n }] },
    ]);
    expect(informer.lister.has('key-1')).toBe(false);
    expect(told).toEqual(['add other=later', 'delete key-1']);
    expect(informer.counts).toMatchObject({ audits: 1, divergedKeys: 1, lists: 2 });
    expect(informer.hasSynced).toBe(true);
  });

  it('F-37: finds the last event of a quiet prefix lost, also where the server sends no progress marks', async () => {
    const { clock, real, faults, informer, findings } = await following({ keys: 2 });
    faults.mute = true;
    faults.loses = anyEvent;
    await real.put({ key: '/r/new', value: 'unseen' });
    await real.delete({ key: '/r/key-0' });
    await real.put({ key: '/r/key-1', value: 'unseen' });
    await real.compact(5n);
    await clock.advance(ONE_PERIOD_MS);
    expect(findings[0]?.examples).toEqual([
      { key: 'key-1', cachedRevision: 2n, storedRevision: 5n },
      { key: 'new', storedRevision: 3n },
      { key: 'key-0', cachedRevision: 2n },
    ]);
    expect([...informer.lister.keys()].sort()).toEqual(['key-1', 'new']);
    expect(informer.lister.get('key-1')).toBe('unseen');
  });

  it('C1: says that it is not synced from the finding until the list, and again that it is', async () => {
    const { clock, real, faults, informer } = await following({ keys: 1 });
    const seen: unknown[] = [];
    informer.on('divergence', () => seen.push(['divergence', informer.hasSynced, informer.lister.size]));
    informer.on('relist', ({ reason }) => seen.push([reason, informer.hasSynced, informer.lister.size]));
    informer.on('synced', ({ size }) => seen.push(['synced', size]));
    faults.loses = anyEvent;
    await real.delete({ key: '/r/key-0' });
    await clock.advance(ONE_PERIOD_MS);
    expect(seen).toEqual([
      ['divergence', false, 1],
      ['divergence', true, 0],
      ['synced', 0],
    ]);
  });

  it('compares without a finding while keys change, can not be read, come and go', async () => {
    const { clock, real, informer, findings } = await following({ keys: 500, audit: { keysPerSecond: 100 } });
    await real.put({ key: '/r/bad', value: Uint8Array.of(0xff) });
    await real.put({ key: '/r/key-7', value: Uint8Array.of(0xff) });
    const random = seededRandom(7);
    for (let at = 0; at < 400; at++) {
      const key = `/r/key-${Math.floor(random.next() * 600)}`;
      if (random.next() < 0.4) await real.delete({ key });
      else await real.put({ key, value: `${at}` });
      await clock.advance(2000);
    }
    expect(informer.counts.audits).toBeGreaterThan(1);
    expect(findings).toEqual([]);
    expect(informer.counts.lists).toBe(1);
  });

  it('waits for events that are under way', async () => {
    const { clock, real, asked, faults, informer, findings } = await following({ keys: 3 });
    let release = (): void => {};
    faults.held = new Promise((resolve) => (release = resolve));
    await real.delete({ key: '/r/key-1' });
    await real.put({ key: '/r/new', value: 'x' });
    while (asked.length === 0) await clock.advance(5000);
    expect(informer.lister.has('key-1')).toBe(true);
    release();
    await clock.advance(20_000);
    expect(informer.counts.audits).toBe(1);
    expect(findings).toEqual([]);
    expect([...informer.lister.keys()].sort()).toEqual(['key-0', 'key-2', 'new']);
  });

  it('reads keys only, in pages of one revision, no faster than it may', async () => {
    const { clock, real, asked, informer } = await following({ keys: 5000, audit: { keysPerSecond: 1000 } });
    while (asked.length === 0) await clock.advance(250);
    const revision = informer.revision;
    await real.put({ key: '/r/key-1', value: 'changed' });
    await clock.advance(3000);
    expect(asked.length).toBeLessThanOrEqual(5);
    await clock.advance(2000);
    expect(asked).toHaveLength(5);
    expect(asked.every((request) => request.keysOnly === true && request.limit === 1000)).toBe(true);
    expect(asked.map((request) => request.revision)).toEqual([undefined, ...Array(4).fill(revision)]);
    expect(informer.counts).toMatchObject({ audits: 1, divergedKeys: 0 });
  });

  it('hurries when the store forgets its revision meanwhile', async () => {
    const { clock, real, asked, informer, told } = await following({ keys: 5000, audit: { keysPerSecond: 1000 } });
    while (asked.length < 2) await clock.advance(500);
    const { revision } = await real.put({ key: '/r/key-1', value: 'changed' });
    await real.compact(revision);
    await clock.advance(6000);
    expect(informer.counts).toMatchObject({ audits: 0, auditFailures: 0 });
    const before = asked.length;
    while (asked.length === before) await clock.advance(100);
    expect([asked.length - before, informer.counts.audits]).toEqual([5, 1]);
    expect(told).toEqual(['update key-1=changed']);
  });

  it('reports it when also the hurried comparison finds its revision forgotten', async () => {
    const { clock, asked, told, informer } = await following({
      keys: 2,
      range: (request, ask) => {
        if (!request.keysOnly) return ask(request);
        return Promise.reject(new SetpointError('Compacted', 'too old'));
      },
    });
    while (asked.length < 1) await clock.advance(250);
    expect(told).toEqual([]);
    while (asked.length < 2) await clock.advance(250);
    expect([told, informer.counts.auditFailures]).toEqual([['audit: SetpointError: Compacted: too old'], 1]);
  });

  it('drops a comparison when the cache is listed anew meanwhile', async () => {
    let broken = false;
    const { clock, asked, informer } = await following({
      keys: 3000,
      audit: { keysPerSecond: 100 },
      range: async (request, ask) => {
        if (request.keysOnly && broken) throw new SetpointError('HistoryReset', 'another history');
        return ask(request);
      },
    });
    while (asked.length === 0) await clock.advance(250);
    broken = true;
    await clock.advance(5000);
    expect(informer.counts).toMatchObject({ audits: 0, auditFailures: 1 });
  });

  it('finds what was lost although the first comparison fails, in ten seconds more', async () => {
    let failing = true;
    const { clock, real, informer, told, faults } = await following({
      keys: 1,
      range: async (request, ask) => {
        if (request.keysOnly && failing) throw new SetpointError('Unavailable', 'the answer was lost');
        return ask(request);
      },
    });
    faults.loses = anyEvent;
    await real.put({ key: '/r/key-0', value: 'lost' });
    while (informer.counts.auditFailures === 0) await clock.advance(250);
    failing = false;
    await clock.advance(12_500);
    expect(informer.counts).toMatchObject({ audits: 1, auditFailures: 1 });
    expect(told.at(-1)).toBe('update key-0=lost');
  });

  it('reports comparisons that fail, ever more seldom, and makes the next one in its time', async () => {
    let failing = true;
    const { clock, informer, told } = await following({
      keys: 1,
      range: async (request, ask) => {
        if (request.keysOnly && failing) throw new SetpointError('PermissionDenied', 'not yours');
        return ask(request);
      },
    });
    while (told.length === 0) await clock.advance(250);
    expect(told).toEqual(['audit: SetpointError: PermissionDenied: not yours']);
    await clock.advance(3_600_000);
    // After 10, 20, 40, 80 and 160 s, and then a dozen times an hour.
    expect(informer.counts.auditFailures).toBeGreaterThanOrEqual(13);
    expect(informer.counts.auditFailures).toBeLessThanOrEqual(22);
    failing = false;
    await clock.advance(ONE_PERIOD_MS);
    expect(informer.counts.audits).toBeGreaterThanOrEqual(1);
  });

  it('asks nothing when it is off, and leaves no timer behind when the informer stops', async () => {
    const off = await following({ keys: 1, audit: false });
    await off.clock.advance(3_600_000);
    expect(off.asked).toEqual([]);
    const on = await following({ keys: 1 });
    on.stop.abort();
    await on.running;
    await settle();
    expect(on.clock.pendingTimers).toBe(0);
  });

  it.each([{ periodMs: 10 }, { keysPerSecond: 0 }, { periodMs: NaN }])('refuses %j', (audit) => {
    const store = memoryStore({ clock: new FakeClock() });
    expect(() => createInformer({ store, prefix: '/r', codec: textCodec, audit })).toThrow(/audit\.\w+: expected/);
  });
});
