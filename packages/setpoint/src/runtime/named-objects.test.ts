import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { running, Server, Website, Zone } from '../../../../test/harness/running-manager.ts';
import type { ObjectRef } from '../client/index.ts';
import type { Logger } from '../internal/logger.ts';
import { observableSource, timerSource } from '../source/index.ts';
import { defineController } from './define-controller.ts';

/** A logger, and the messages of the errors that were logged. */
function errorLog() {
  const errors: string[] = [];
  const noted = (fields: object): void => {
    const { err } = fields as { err?: { message?: string } };
    errors.push(err?.message ?? '');
  };
  const logger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: noted, child: () => logger };
  return { logger, errors };
}

/** What a controller of websites is called for when `map` is asked about a server of the namespace `shop`. */
async function mapped(map: () => Iterable<ObjectRef>) {
  const keys = new Set<string>();
  const websites = defineController(Website, {
    watches: [{ resource: Server, map }],
    reconcile: ({ key }) => void keys.add(key),
    gone: ({ key }) => void keys.add(`gone: ${key}`),
  });
  const { logger, errors } = errorLog();
  const { client, clock } = await running([websites], { logger });
  for (const namespace of ['shop', 'default'])
    await client.resource(Website).create({ name: 'web', namespace, spec: {} });
  await clock.advance(100);
  keys.clear();
  await client.resource(Server).create({ name: 's', namespace: 'shop', spec: {} });
  await clock.advance(100);
  return { keys: [...keys], errors };
}

describe('the objects that the map of a watch names', () => {
  it.each([
    ['a name alone', () => ['web'], 'shop/web'],
    ['a name in an object', () => [{ name: 'web' }], 'shop/web'],
    ['a name with its namespace', () => ['default/web'], 'default/web'],
    ['both in an object', () => [{ name: 'web', namespace: 'default' }], 'default/web'],
    ['an object', () => [{ metadata: { name: 'web', namespace: 'default' } }], 'default/web'],
    ['any iterable', () => new Set(['web']), 'shop/web'],
  ] as [string, () => Iterable<ObjectRef>, string][])('may be %s', async (_what, map, key) => {
    expect(await mapped(map)).toEqual({ keys: [key], errors: [] });
  });

  // A text is a list of its letters, for JavaScript and TypeScript alike.
  it.each([
    ['a text', () => 'default/web', /map of the watched Server.*list.*got a string/],
    ['one reference in no list', () => ({ name: 'web' }), /map of the watched Server.*list.*got an object/],
    ['a promise', () => Promise.resolve(['web']), /map of the watched Server.*list.*got a Promise/],
    ['nothing in the list', () => [undefined], /Website: reference: expected .*got nothing/],
    ['what no object can be called', () => ['Not A Name'], /Website: reference: expected .*Not A Name/],
  ] as [string, () => never, RegExp][])('are asked for in the log when there is %s', async (_what, map, message) => {
    const { keys, errors } = await mapped(map);
    expect(keys).toEqual([]);
    expect(errors).toEqual([expect.stringMatching(message)]);
  });

  it('count beside one that can be none', async () => {
    const { keys, errors } = await mapped(() => ['Not A Name', 'web']);
    expect(keys).toEqual(['shop/web']);
    expect(errors).toEqual([expect.stringMatching(/Not A Name/)]);
  });

  it('have no namespace where their kind has none', async () => {
    const keys: string[] = [];
    const zones = defineController(Zone, {
      watches: [{ resource: Server, map: ({ spec }) => [spec.site, { name: 'north' }] }],
      reconcile: ({ key }) => void keys.push(key),
    });
    const { client, clock } = await running([zones]);
    for (const name of ['north', 'south']) await client.resource(Zone).create({ name, spec: {} });
    await clock.advance(100);
    keys.length = 0;
    await client.resource(Server).create({ name: 's', namespace: 'shop', spec: { site: 'south' } });
    await clock.advance(100);
    expect(keys.toSorted()).toEqual(['north', 'south']);
  });
});

describe('the objects that a further source names', () => {
  it('are in the namespace default where it names none, as for a client', async () => {
    const keys: string[] = [];
    const refs = new Subject<ObjectRef>();
    const { logger, errors } = errorLog();
    const websites = defineController(Website, {
      sources: [observableSource(refs, { name: 'webhooks' })],
      reconcile: ({ key }) => void keys.push(key),
      gone: ({ key }) => void keys.push(`gone: ${key}`),
    });
    const { client, clock } = await running([websites], { logger });
    for (const namespace of ['shop', 'default'])
      await client.resource(Website).create({ name: 'web', namespace, spec: {} });
    await clock.advance(100);
    const led = async (ref: unknown): Promise<readonly string[]> => {
      refs.next(ref as ObjectRef);
      await clock.advance(100);
      return keys.splice(0);
    };
    keys.length = 0;
    expect(await led('web')).toEqual(['default/web']);
    expect(await led({ name: 'web' })).toEqual(['default/web']);
    expect(await led({ name: 'web', namespace: 'shop' })).toEqual(['shop/web']);
    expect(await led('shop/web')).toEqual(['shop/web']);
    expect(errors).toEqual([]);
    expect(await led('no/such/key')).toEqual([]);
    expect(errors).toEqual([expect.stringMatching(/Website: reference: expected .*no\/such\/key/)]);
  });

  it('a timer too', async () => {
    const keys: string[] = [];
    const { clock, client } = await running([]);
    const websites = defineController(Website, {
      sources: [timerSource({ everyMs: 1000, keys: () => ['web'], clock })],
      reconcile: ({ key }) => void keys.push(key),
    });
    const second = await running([websites], { store: client.store, clock });
    await second.client.resource(Website).create({ name: 'web', spec: {} });
    await clock.advance(100);
    keys.length = 0;
    await clock.advance(1000);
    expect(keys).toEqual(['default/web']);
  });
});
