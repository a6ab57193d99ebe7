import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isSetpointError } from 'setpoint';
import { describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';
import { testEtcd, testProxy, testStore, testWatch } from '../harness/disposal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Uses a store in every way that holds a resource, closes it, and has nothing left to do. */
const PROGRAM = `
import { etcdStore } from '@setpoint/etcd';
const warnings = [];
process.on('warning', (warning) => warnings.push(warning.name));
for (let round = 0; round < 20; round++) {
  const store = etcdStore({ endpoints: process.argv[2].split(',') });
  await Promise.all(Array.from({ length: 50 }, (_, i) => store.put({ key: '/close/' + i, value: 'x' })));
  const { id } = await store.leaseGrant({ ttlSeconds: 60 });
  await store.leaseKeepAlive(id);
  const watches = Array.from({ length: 20 }, async () => {
    for await (const batch of store.watch({ prefix: '/close/' })) if (batch.revision < 0n) break;
  });
  const ends = Promise.allSettled(watches);
  await store.status();
  await store.close();
  const codes = new Set((await ends).map((end) => end.reason?.code));
  if ([...codes].join() !== 'Closed') throw new Error('watches ended with ' + [...codes]);
}
console.log('closed, warnings: ' + warnings.join());
`;

describe.each(await availableEtcds())('closing a store on etcd %s', (version) => {
  it('I-180 F-92: leaves nothing that keeps the process alive, and no warning, after 20 stores', async () => {
    expect(existsSync(`${root}packages/etcd/dist/index.js`), 'build first: npm run build').toBe(true);
    const server = await testEtcd({ version });
    const args = ['--input-type=module', '--eval', PROGRAM, 'x', server.endpoints[0]!];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 30_000 });
    expect(stdout).toBe('closed, warnings: \n');
    expect(stderr).toBe('');
  });

  it('ends what is under way: reads and watches with Closed, sent writes with OutcomeUnknown', async () => {
    const server = await testEtcd({ version });
    const proxy = await testProxy(server.endpoints[0]!);
    const store = testStore({ endpoints: proxy.endpoint });
    await store.put({ key: '/warm', value: '' });
    const watch = testWatch(store, { prefix: '/' });
    await watch.until(() => watch.batches.length > 0);
    proxy.hold('server');
    const codeOf = (call: Promise<unknown>): Promise<unknown> =>
      call.catch((error: unknown) => (error as { code: string }).code);
    const codes = Promise.all([codeOf(store.range({ key: '/x' })), codeOf(store.put({ key: '/x', value: '' }))]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await store.close();
    expect(await codes).toEqual(['Closed', 'OutcomeUnknown']);
    expect(isSetpointError(await watch.over, 'Closed')).toBe(true);
    expect(await codeOf(store.range({ key: '/x' }))).toBe('Closed');
  });
});
