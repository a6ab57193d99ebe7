import { describe, expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { calls, texts } from '../../../../test/harness/text-informer.ts';
import { SetpointError } from '../errors/index.ts';
import { settle } from '../internal/fake-clock.ts';
import { textCodec } from '../resource/index.ts';
import { createInformer } from './informer.ts';
import { labelIndex, ownerIndex } from './object-indexes.ts';

describe('events of objects', () => {
  it('I-177: are told from the moment of listening, and a listener that throws stops no other', async () => {
    const { put, remove, follow, stop } = texts();
    await put('old');
    const informer = await follow();
    const heard: string[] = [];
    informer.on('add', () => {
      throw new Error('listener');
    });
    const off = informer.on(
      'add',
      ({ key, object, inInitialList }) => void heard.push(`+${key}${object}${inInitialList}`),
    );
    informer.on('update', ({ old, object }) => void heard.push(`${old}→${object}`));
    informer.on('delete', ({ key }) => void heard.push(`-${key}`));
    await put('a', '1');
    await put('a', '2');
    await settle();
    await remove('a');
    await remove('old');
    await settle();
    off();
    await put('b');
    await settle();
    expect(heard).toEqual(['+a1false', '1→2', '-a', '-old']);
    expect(informer.counts.listenerErrors).toBe(2);
    stop();
    expect(informer.on('add', () => {})).toBeTypeOf('function');
  });
});

describe('resync', () => {
  it('I-103: tells those who asked of every object again, from its state to the same, ± 10 %', async () => {
    const { clock, put, follow, stop } = texts();
    await put('a', '1');
    const informer = await follow();
    const [asked, other]: [string[], string[]] = [[], []];
    const registration = informer.addEventHandler(calls(asked), { resyncMs: 10_000 });
    informer.addEventHandler(calls(other));
    await clock.advance(8900);
    expect(asked).toEqual(['add a=1 initial']);
    await clock.advance(2200);
    expect(asked).toEqual(['add a=1 initial', 'update a=1→1']);
    expect(other).toEqual(['add a=1 initial']);
    registration.remove();
    await clock.advance(30_000);
    expect(asked).toHaveLength(2);
    stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-103: leaves out keys of which something waits to be told, and refuses less than a second', async () => {
    const { clock, put, follow, stop } = texts();
    await put('a', '1');
    await put('b', '1');
    const informer = await follow({ audit: false });
    const told: string[] = [];
    const notes = calls(told);
    let slow = false;
    const handler = {
      ...notes,
      update: (old: string, now: string, info: { key: string }) => {
        notes.update(old, now, info);
        return slow ? new Promise<void>((resolve) => clock.setTimer(resolve, 60_000)) : undefined;
      },
    };
    informer.addEventHandler(handler, { resyncMs: 20_000 });
    await settle();
    slow = true;
    await put('a', '2');
    await put('b', '2');
    await clock.advance(59_000);
    expect(told.slice(2)).toEqual(['update a=1→2']);
    await clock.advance(1000);
    expect(told.slice(2, 4)).toEqual(['update a=1→2', 'update b=1→2']);
    expect(() => informer.addEventHandler({}, { resyncMs: 999 })).toThrow(
      /resyncMs: expected a number of at least 1000/,
    );
    stop();
  });
});

it('I-107, I-110: indexes by label and by owner file exact values, and nothing where there is none', () => {
  const owned = (uids: readonly string[] | undefined) => ({
    metadata: {
      labels: { app: 'web' },
      ...(uids && { ownerReferences: uids.map((uid) => ({ apiVersion: 'v1', kind: 'X', name: 'x', uid })) }),
    },
  });
  expect(labelIndex('app')(owned([]), 'k')).toEqual(['web']);
  expect(labelIndex('tier')(owned([]), 'k')).toEqual([]);
  expect(labelIndex('constructor')(owned([]), 'k')).toEqual([]);
  expect(labelIndex('app')({ metadata: {} }, 'k')).toEqual([]);
  expect(ownerIndex(owned(['u1', 'u2']), 'k')).toEqual(['u1', 'u2']);
  expect(ownerIndex(owned(undefined), 'k')).toEqual([]);
});

it('I-105: a list replaces everything in one step, and what came before is told in the order of the store', async () => {
  const { clock, put, store, follow, stop } = texts();
  const sizes = new Set<number>();
  const informer = await follow();
  const told: string[] = [];
  informer.addEventHandler({
    ...calls(told),
    delete: (_, { key }) => (sizes.add(informer.lister.size), told.push(`-${key}`)),
  });
  for (const name of ['a', 'b', 'a', 'c']) await put(name, 'v');
  await settle();
  expect(told).toEqual(['add a=v', 'add b=v', 'update a=v→v', 'add c=v']);
  await store.txn({ then: ['a', 'b', 'c'].map((name) => ({ delete: { key: `/config/${name}` } })) });
  await clock.advance(0);
  expect([...sizes]).toEqual([0]);
  stop();
});

it('I-85: a list that takes more than 10 s says so, and what was cached before stays until it is over', async () => {
  const { clock, store, put, stop } = texts();
  await put('a', '1');
  const lines: string[] = [];
  const note = (_: object, message: string): void => void lines.push(message);
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note, child: () => logger };
  const answers: (() => void)[] = [];
  let slow = false;
  let compact = (): void => {};
  const informer = createInformer<string>({
    store: interposedStore(store, {
      range: async (request, ask) => {
        if (slow) await new Promise<void>((resolve) => answers.push(resolve));
        return ask(request);
      },
      async *watch(request, open) {
        const broken = new Promise<never>((_, reject) => {
          compact = () => reject(new SetpointError('Compacted', 'gone', { details: { revision: 1n } }));
        });
        const batches = open(request)[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([batches.next(), broken]);
          if (next.done === true) return;
          yield next.value;
        }
      },
    }),
    prefix: '/config',
    codec: textCodec,
    clock,
    logger,
  });
  const life = new AbortController();
  void informer.run(life.signal);
  await settle();
  expect(informer.lister.get('a')).toBe('1');
  slow = true;
  compact();
  await clock.advance(9000);
  expect(lines).toEqual([]);
  await clock.advance(2000);
  expect(lines).toEqual(['a list takes long; what is cached stays as it was until then']);
  expect(informer.lister.get('a')).toBe('1');
  slow = false;
  answers.forEach((answer) => answer());
  await clock.advance(60_000);
  expect([informer.phase, lines.length]).toEqual(['watching', 1]);
  life.abort();
  stop();
  expect(clock.pendingTimers).toBe(0);
});
