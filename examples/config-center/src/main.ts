/**
 * The configuration centre at work: `node dist/main.js`, with ETCD_ENDPOINTS on a real etcd. A client follows the
 * settings of its app while they are written, tried out on one instance, broken, and rolled back.
 */
import { etcdStore } from '@setpoint/etcd';
import { memoryStore, sleep, systemClock } from 'setpoint';
import { z } from 'zod';
import { ConfigCenter } from './config-center.ts';
import { ConfigClient } from './config-client.ts';

const Settings = z.object({ timeoutMs: z.number().positive(), greeting: z.string() });
const name = { namespace: 'default', app: 'shop' };

const endpoints = process.env['ETCD_ENDPOINTS'];
const store = endpoints === undefined ? memoryStore() : etcdStore({ endpoints: endpoints.split(',') });
const stop = new AbortController();
const center = new ConfigCenter({ store });
const client = new ConfigClient({
  store,
  name,
  instance: 'shop-1',
  parse: (text) => Settings.parse(JSON.parse(text)),
  onBadValue: () => console.log('  a value that is no Settings: the last good one stays'),
});
client.onChange(({ timeoutMs, greeting }) => console.log(`  now: "${greeting}", ${timeoutMs} ms`));

const write = async (settings: object, note: string): Promise<void> => {
  const { version } = await center.set(name, JSON.stringify(settings), { note });
  console.log(`version ${version}: ${note}`);
  await sleep(systemClock, 200, undefined, { ref: true });
};

const running = client.run(stop.signal);
await client.whenSynced();
await write({ timeoutMs: 1_000, greeting: 'hello' }, 'first');
await write({ timeoutMs: 2_000, greeting: 'hello' }, 'more patience');
await write({ timeoutMs: 'soon' }, 'a mistake');
console.log('rolled back as version', (await center.rollback(name, 2)).version);
console.log('for shop-1 alone, for 2 seconds:');
await center.setForInstance(name, 'shop-1', JSON.stringify({ timeoutMs: 1, greeting: 'only here' }), 2);
await sleep(systemClock, 3_500, undefined, { ref: true });
for (const { version, note } of await center.history(name)) console.log(`  ${version}  ${note}`);
stop.abort();
await running;
await store.close();
