/** A website from an object: created, changed and deleted, and what a visitor sees each time. */
import { createManager, memoryStore, sleep, systemClock } from 'setpoint';
import { createWebsiteController, LocalWebServers, Website } from './websites.ts';

const manager = createManager({ store: memoryStore(), controllers: [createWebsiteController(new LocalWebServers())] });
const running = manager.run(new AbortController().signal);
const websites = manager.client.resource(Website);

async function visit(): Promise<void> {
  await sleep(systemClock, 200, undefined, { ref: true });
  const website = await websites.find({ name: 'hello' });
  const url = website?.status?.url;
  console.log(url === undefined ? 'there is no website' : `${url} says ${await (await fetch(url)).text()}`.trim());
}

await websites.create({ name: 'hello', spec: { message: 'hello, world' } });
await visit();
await websites.modify({ name: 'hello' }, (website) => ({
  ...website,
  spec: { ...website.spec, message: 'hello again' },
}));
await visit();
await websites.delete({ name: 'hello' });
await visit();
await manager.stop();
await running;
