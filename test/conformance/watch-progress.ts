import { isSetpointError } from 'setpoint';
import { progressRequests, type Store } from 'setpoint/store';
import { expect, it } from 'vitest';
import { expectCode, freshPrefix, type OpenStore, revisionOf, watching } from './fixture.ts';
import { topic, type Topic } from './topic.ts';

/** So many requests, 100 ms apart, are surely answered where they are at all. */
const REQUESTS = 20;

/** Asks until `enough` holds, or often. */
async function ask(t: Topic, request: () => void, enough: () => boolean): Promise<void> {
  for (let i = 0; i < REQUESTS && !enough(); i++) {
    request();
    await t.under.elapse(100);
  }
}

async function putSome(store: Store, prefix: string, count: number): Promise<bigint> {
  let revision = 0n;
  for (let i = 0; i < count; i++) ({ revision } = await store.put({ key: `${prefix}${i}`, value: '' }));
  return revision;
}

export function describeWatchProgress(open: OpenStore): void {
  topic('how far a watch is', open, (t) => {
    it('I-90, I-91: a quiet watch that is asked says how far the store has come, where its answer can be trusted', async () => {
      const progress = progressRequests();
      const watch = watching(t.store, { prefix: freshPrefix() }, { progress });
      await watch.begun();
      const revision = await putSome(t.store, freshPrefix(), 3);
      const told = (): boolean => watch.batches.at(-1)!.revision >= revision;
      if (t.under.answersProgress) {
        await ask(t, () => progress.request(), told);
        expect(watch.batches.slice(1).every(({ events }) => events.length === 0)).toBe(true);
        expect(told()).toBe(true);
      } else {
        progress.request();
        await t.under.elapse(300);
        expect(watch.batches).toHaveLength(1);
      }
      await watch.stop();
      progress.request();
    });

    it('I-83: no mark comes ahead of an event, however often it is asked for', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      await putSome(t.store, prefix, 100);
      const progress = progressRequests();
      const watch = watching(t.store, { prefix, startRevision }, { progress });
      for (let i = 0; i < 100; i++) {
        progress.request();
        await t.store.put({ key: prefix + String(i % 7), value: '' });
        progress.request();
      }
      await watch.atLeast(200);
      let told = startRevision - 1n;
      for (const { revision, events } of watch.batches) {
        for (const { kv } of events) expect(kv.modRevision).toBeGreaterThan(told);
        expect(revision).toBeGreaterThanOrEqual(told);
        told = revision;
      }
      expect(watch.events.map(({ kv }) => kv.modRevision)).toEqual(
        Array.from({ length: 200 }, (_, i) => startRevision + BigInt(i)),
      );
      await watch.stop();
    });

    it('a watch that begins further back than it is told to take fails with FarBehind and the present revision', async () => {
      const prefix = freshPrefix();
      const startRevision = (await revisionOf(t.store)) + 1n;
      const present = await putSome(t.store, prefix, 20);
      const far = watching(t.store, { prefix, startRevision }, { behindMax: 19 });
      const error = await far.over;
      expect(isSetpointError(error, 'FarBehind') && error.details.revision).toBe(present);
      expect(far.batches).toEqual([]);
      const near = watching(t.store, { prefix, startRevision }, { behindMax: 20 });
      await near.atLeast(20);
      const live = watching(t.store, { prefix }, { behindMax: 0 });
      await live.begun();
      await t.store.put({ key: prefix, value: '' });
      await live.atLeast(1);
      await Promise.all([near.stop(), live.stop()]);
    });

    it('refuses a behindMax that is no number of revisions', async () => {
      const refused = async (): Promise<unknown> =>
        t.store.watch({ prefix: '/x' }, { behindMax: -1 })[Symbol.asyncIterator]().next();
      await expectCode(refused(), 'Invalid');
    });
  });
}
