import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drive, errorOf, revisionOf, sampleClient } from '../../../../test/harness/sample-objects.ts';
import { isSetpointError } from '../errors/index.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';

const named = (index: number): string => `web-${String(index).padStart(3, '0')}`;

async function withWebsites(count: number) {
  const made = sampleClient();
  for (let index = 0; index < count; index++) {
    const labels = { parity: index % 2 === 0 ? 'even' : 'odd' };
    await made.websites.create({ name: named(index), labels, spec: { message: `m${index}`, replicas: index } });
  }
  return made;
}

describe('a list in pages', () => {
  it('I-123: is one snapshot, whatever is written between the pages', async () => {
    const { websites } = await withWebsites(10);
    const first = await websites.list({ limit: 4 });
    await websites.delete(named(5));
    await websites.create({ name: 'web-004a', spec: { message: 'new' } });
    const second = await websites.list({ limit: 4, continue: first.continue });
    const third = await websites.list({ limit: 4, continue: second.continue });
    const items = [first, second, third].flatMap((page) => page.items);
    expect(items.map(({ metadata }) => metadata.name)).toEqual(Array.from({ length: 10 }, (_, index) => named(index)));
    expect([second.resourceVersion, third.resourceVersion]).toEqual([first.resourceVersion, first.resourceVersion]);
    expect(third.continue).toBeUndefined();
  });

  it('asks once for what three calls brought before, unless objects are large', async () => {
    const { websites, calls } = await withWebsites(300);
    const asked = async (limit?: number): Promise<number> => {
      calls.length = 0;
      await websites.list({ limit });
      return calls.length;
    };
    expect([await asked(), await asked(), await asked(100), await asked()]).toEqual([3, 1, 1, 2]);
    await websites.create({ name: 'large', spec: { message: 'x'.repeat(1_000_000) } });
    expect([await asked(), await asked()]).toEqual([1, 3]);
  });

  it('I-123: refuses a token that points elsewhere or was made up, before anything is sent', async () => {
    const { websites, calls } = await withWebsites(3);
    await websites.create({ name: 'other', namespace: 'other', spec: { message: 'x' } });
    const { continue: token } = await websites.list({ limit: 1, namespace: 'other', at: undefined });
    expect(token).toBeUndefined();
    calls.length = 0;
    const up = encodeContinue({ revision: 5n, start: 'X../../secrets\0' }, 'X');
    const huge = Buffer.from('[1,"99999999999999999999","a\\u0000"]').toString('base64url');
    for (const made of [up, huge, 'nonsense', '', 'W10', '%%%', encodeContinue({ revision: 5n, start: 'Xa' }, 'X')]) {
      expect(await errorOf(websites.list({ limit: 1, continue: made }))).toMatchObject({
        code: 'Invalid',
        details: { path: 'continue' },
      });
    }
    expect(calls).toEqual([]);
  });

  it('I-123: tokens read back as what they were made from, and never start outside of their prefix', () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?$/).filter((text) => !text.includes('..'));
    const odd = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
    fc.assert(
      fc.property(name, fc.oneof(name, odd), fc.bigInt({ min: 1n, max: 2n ** 62n }), (namespace, rest, revision) => {
        const prefix = '/registry/websites/';
        const start = `${prefix}${namespace}/${rest}\0`;
        const token = encodeContinue({ revision, start }, prefix);
        try {
          expect(decodeContinue(token, prefix)).toEqual({ revision, start });
        } catch (error) {
          // Only keys with a step that leads nowhere or up are refused.
          expect(isSetpointError(error, 'Invalid')).toBe(true);
          expect(`${namespace}/${rest}`.split('/').some((step) => ['', '.', '..'].includes(step))).toBe(true);
        }
        expect(decodeContinue(encodeContinue({ revision: undefined, start: `${prefix}a\0` }, prefix), prefix)).toEqual({
          revision: undefined,
          start: `${prefix}a\0`,
        });
      }),
    );
  });

  it('I-124, I-157: says so when its revision is forgotten, and goes on at the present one when asked to', async () => {
    const { websites, store } = await withWebsites(6);
    const first = await websites.list({ limit: 2 });
    await websites.delete(named(3));
    await store.compact(await revisionOf(store));
    const error = await errorOf(websites.list({ limit: 2, continue: first.continue }));
    if (!isSetpointError(error, 'Compacted')) throw new Error('not Compacted');
    const second = await websites.list({ limit: 2, continue: error.details.continue });
    expect(second).toMatchObject({ inconsistent: true, resourceVersion: String(await revisionOf(store)) });
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual([named(2), named(4)]);
    const third = await websites.list({ limit: 2, continue: second.continue });
    expect(third.items.map(({ metadata }) => metadata.name)).toEqual([named(5)]);
    expect(third.inconsistent).toBeUndefined();
  });

  it('I-125: counts what is left without selectors only, and fills a page with what they select', async () => {
    const { websites, calls } = await withWebsites(100);
    const page = await websites.list({ limit: 30 });
    expect(page.remainingItemCount).toBe(70);
    expect((await websites.list({ limit: 70, continue: page.continue })).remainingItemCount).toBeUndefined();
    calls.length = 0;
    const odd = await websites.list({ limit: 40, labelSelector: 'parity=odd' });
    expect(odd.items).toHaveLength(40);
    expect(odd.remainingItemCount).toBeUndefined();
    expect(calls.length).toBeLessThanOrEqual(2);
    const rest = await websites.list({ limit: 40, labelSelector: 'parity=odd', continue: odd.continue });
    expect(rest.items.map(({ metadata }) => metadata.name).at(-1)).toBe(named(99));
    expect(rest.items).toHaveLength(10);
  });

  it('lists in pages of any size what it lists at once, unreadable keys included', async () => {
    const { websites, store } = await withWebsites(23);
    await store.put({ key: '/registry/websites/default/web-004b', value: 'not JSON' });
    await store.put({ key: Buffer.from('/registry/websites/default/web-007\xff', 'latin1'), value: '{}' });
    const all = await websites.list();
    for (const limit of [1, 2, 3, 7, 23, 25, 26]) {
      const items: unknown[] = [];
      let [unreadable, token]: [number, string | undefined] = [0, undefined];
      do {
        const page = await websites.list({ limit, continue: token });
        items.push(...page.items);
        unreadable += page.unreadable.length;
        token = page.continue;
      } while (token !== undefined);
      expect(items).toEqual(all.items);
      expect(unreadable).toBe(2);
    }
  });

  it('selects by fields and by labels together', async () => {
    const { websites } = await withWebsites(10);
    const list = await websites.list({ labelSelector: 'parity=even', fieldSelector: 'spec.replicas!=4' });
    expect(list.items.map(({ spec }) => spec.replicas)).toEqual([0, 2, 6, 8]);
  });

  it('refuses a limit that is none', async () => {
    const { websites, calls } = sampleClient();
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      expect(await errorOf(websites.list({ limit }))).toMatchObject({ code: 'Invalid', details: { path: 'limit' } });
    }
    expect(calls).toEqual([]);
  });
});

describe('a read of a revision', () => {
  it('shows what was, one object or all, until that is forgotten', async () => {
    const { websites, store } = await withWebsites(2);
    const before = await websites.get(named(0));
    await websites.update(before, { spec: { message: 'later' } });
    await websites.delete(named(1));
    const at = String(await revisionOf(store));
    expect(await websites.get(named(0), { at: before.metadata.resourceVersion })).toEqual(before);
    const { items } = await websites.list({ at: String(BigInt(at) - 1n) });
    expect(items.map(({ spec }) => spec.message)).toEqual(['later', 'm1']);
    await store.compact(BigInt(at));
    const error = await errorOf(websites.get(named(0), { at: before.metadata.resourceVersion }));
    expect(error).toMatchObject({ code: 'Compacted', details: { revision: BigInt(at) } });
  });

  it('I-126: waits for a revision to come, and is refused after three seconds, never answered with less', async () => {
    const { websites, clock, store } = await withWebsites(1);
    const soon = String((await revisionOf(store)) + 1n);
    const waiting = drive(clock, websites.list({ notOlderThan: soon }));
    await store.put({ key: '/registry/websites/default/x', value: '{}' });
    expect(BigInt((await waiting).resourceVersion)).toBeGreaterThanOrEqual(BigInt(soon));
    for (const read of [
      (): Promise<unknown> => websites.list({ notOlderThan: '999' }),
      () => websites.get(named(0), { notOlderThan: '999' }),
    ]) {
      const began = clock.now();
      expect(await errorOf(drive(clock, read()))).toMatchObject({
        code: 'FutureRevision',
        details: { retryAfterMs: 1000 },
      });
      expect(clock.now() - began).toBe(3000);
    }
  });

  it('refuses what is no revision', async () => {
    const { websites, calls } = sampleClient();
    for (const at of ['', '0', '-1', '1.5', '1e3', 'abc', '9'.repeat(20), 5 as never]) {
      expect(await errorOf(websites.list({ at }))).toMatchObject({ code: 'Invalid', details: { path: 'at' } });
      expect(await errorOf(websites.get('web', { notOlderThan: at }))).toMatchObject({ code: 'Invalid' });
    }
    expect(await errorOf(websites.get('web', { at: '1', notOlderThan: '1' }))).toMatchObject({ code: 'Invalid' });
    expect(calls).toEqual([]);
  });
});
