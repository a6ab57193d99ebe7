import { channel, tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { createClient } from '../client/index.ts';
import { createInformer } from '../informer/index.ts';
import type { WatchMessage, WriteTrace } from '../internal/diagnostics.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { defineResource, resourceCodec } from '../resource/index.ts';
import { memoryStore } from '../store/index.ts';
import { z } from 'zod';

const Website = defineResource({
  group: 'demo.dev',
  version: 'v1',
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ message: z.string() }),
});

it('I-192: tells each write with its revision, and each batch that a cache takes in, and no value', async () => {
  const told: unknown[] = [];
  const onWrite = (message: unknown): void => void told.push({ ...(message as WriteTrace) });
  const onWatch = (message: unknown): void => void told.push(message);
  const writes = tracingChannel('setpoint:write');
  writes.asyncEnd.subscribe(onWrite);
  channel('setpoint:watch').subscribe(onWatch);
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const abort = new AbortController();
  const informer = createInformer({
    store,
    prefix: '/registry/websites/',
    codec: resourceCodec(Website, '/registry'),
    name: 'Website',
    clock,
  });
  const run = informer.run(abort.signal);
  await clock.advance(0);
  const websites = createClient({ store, clock }).resource(Website);
  const made = await websites.create({ name: 'a', spec: { message: 'a secret' } });
  await clock.advance(0);
  await expect(websites.create({ name: 'a', spec: { message: 'again' } })).rejects.toThrow('AlreadyExists');
  writes.asyncEnd.unsubscribe(onWrite);
  channel('setpoint:watch').unsubscribe(onWatch);
  abort.abort();
  await run;

  const revision = BigInt(made.metadata.resourceVersion);
  const write = { kind: 'Website', key: 'default/a' };
  expect(told).toHaveLength(3);
  expect(told).toContainEqual({ ...write, revision });
  expect(told).toContainEqual({ informer: 'Website', revision, changes: 1 } satisfies WatchMessage);
  expect(told.at(-1)).toMatchObject(write);
  expect(told.at(-1)).not.toHaveProperty('revision');
  expect(inspect(told, { depth: 9 })).not.toContain('secret');
});
