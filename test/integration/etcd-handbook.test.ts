import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { etcdStore } from '@setpoint/etcd';
import type { Store } from 'setpoint';
import { expect, it } from 'vitest';
import type { Page } from '../../examples/etcd-handbook/src/page.ts';
import { findEtcd } from '../../scripts/etcd.mjs';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';

const folder = fileURLToPath(new URL('../../examples/etcd-handbook/src/', import.meta.url));

/** What each page says on an etcd that holds nothing else. */
const PAGES: Record<string, (RegExp | string)[]> = {
  connect: [/^connected to etcd 3\.\d+\.\d+/, 'where no etcd is: Unavailable'],
  'member-list': [/^m0 \([0-9a-f]+\) at http:\/\/127\.0\.0\.1:\d+$/],
  'endpoint-status': [/^http:\S+: etcd 3\.\S+, leader, \d+ bytes, revision \d+, raft term \d+$/],
  put: ['written at a revision above zero: true'],
  overwrite: ['was red'],
  get: ['/handbook/get/name = setpoint', "a key that isn't there: 0 answers"],
  'prefix-list': ['/handbook/list/a = A', '/handbook/list/b = B', '/handbook/list/c = C', '3 in all'],
  descending: ['3 2 1'],
  'values-only': ['on monday', 'on tuesday'],
  'keys-only': ['/handbook/keys/x, 0 bytes of value sent', '/handbook/keys/y, 0 bytes of value sent', 'count: 2'],
  limit: ['a b; more: true; 5 in all'],
  'from-key-paging': ['1 2 3', '4 5 6', '7', 'from key 6 on: 6 7'],
  'old-revision': ['now: second draft; at the earlier revision: first draft'],
  versions: [
    'created by the first put: true',
    'changed last by the second: true',
    'version: 2',
    'a write that is conditional on the first revision: refused, somebody has written since',
  ],
  'delete-count': ['deleted: 1', 'once more: 0'],
  'delete-with-previous': ['took number 42'],
  'delete-prefix': ['deleted: 5'],
  watch: ['PUT /handbook/watch/door open', 'PUT /handbook/watch/door closed', 'DELETE /handbook/watch/door'],
  lease: [
    'granted 60 s, of which between 1 and 60 are left: true',
    'is still there after its revocation: false',
    'asked for 1 s, granted 2 s, after which it goes by itself',
  ],
  'put-with-lease': [
    'keys of the lease: /handbook/lease/instance; nobody keeps it alive, and it has 5 s',
    'DELETE /handbook/lease/instance',
  ],
  'keep-alive': ['after one and a half times its TTL the key is still there'],
  lock: ['first has it', 'first lets go', 'second has it'],
  'lock-time-limit': ['after 300 ms: Timeout', 'once it is free: got it in time'],
  'try-lock': ['ada: got it', 'bob: busy, ada has it', 'bob, later: got it'],
  compaction: ['the old revision: Compacted', 'the key: current'],
  'key-design': ['in the order of their numbers: 000009 000010 000011', 'of ada, and not of adam: 000009 000010'],
  'no-space': [
    'the last write: OutcomeUnknown, because of NoSpace',
    'alarm: NOSPACE',
    'reads go on: yes',
    'alarms that are left: 0',
    'writes go on',
  ],
};
const names = Object.keys(PAGES);
/** These go on until they are stopped. */
const ENDLESS = ['watch'];
/** While these go on others could not read their old revisions, or could not write. */
const DISTURBING = ['compaction', 'no-space'];

/** The etcdctl commands that a page names in its comment. */
function commandsOf(name: string): string[] {
  return Array.from(
    readFileSync(`${folder}${name}.ts`, 'utf8').matchAll(/^ \* {5}\$ ((?:timeout \d+ )?etcdctl .*)$/gm),
    ([, line]) => line!,
  );
}

async function pageOf(name: string): Promise<Page> {
  const exported = (await import(`${folder}${name}.ts`)) as Record<string, Page>;
  return Object.values(exported)[0]!;
}

it('tests every page of the etcd handbook, and each names its etcdctl command', () => {
  const files = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
  expect(names.toSorted()).toEqual(
    files.filter((file) => !['page', 'counter', 'counter-worker'].includes(file)).toSorted(),
  );
  expect(names.filter((name) => commandsOf(name).length === 0)).toEqual([]);
});

/** Runs a page and compares what it says; then its etcdctl commands, as they stand in its comment. */
async function check(name: string, etcd: EtcdServer, store: Store): Promise<void> {
  const lines: string[] = [];
  const page = await pageOf(name);
  await page({ store, endpoints: etcd.endpoints, say: (line) => lines.push(line) });
  const expected = PAGES[name]!.map((line) => (typeof line === 'string' ? line : expect.stringMatching(line)));
  expect(lines, name).toEqual(expected);

  const { etcdctl } = await findEtcd(etcd.version.split('.').slice(0, 2).join('.'));
  const env = {
    ...process.env,
    PATH: `${dirname(etcdctl)}${delimiter}${process.env['PATH']}`,
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: etcd.endpoints.join(','),
  };
  for (const command of commandsOf(name)) {
    const line = ENDLESS.includes(name) ? `timeout 1 ${command} || test $? = 124` : command;
    await promisify(execFile)('sh', ['-c', line], { env }).catch((error: unknown) => {
      throw new Error(`${name}: ${command}\n${(error as { stderr?: string }).stderr}`, { cause: error });
    });
  }
}

it.concurrent.each(await availableEtcds())('does all of it on etcd %s', { timeout: 400_000 }, async (version) => {
  const etcd = await startEtcd({ version, flags: ['--quota-backend-bytes=16777216'] });
  const store = etcdStore({ endpoints: etcd.endpoints });
  try {
    const quiet = names.filter((name) => !DISTURBING.includes(name));
    // A few at a time: leases run out when everything waits for everything else.
    const next = async (): Promise<void> => {
      for (let name = quiet.shift(); name !== undefined; name = quiet.shift()) await check(name, etcd, store);
    };
    await Promise.all([next(), next(), next()]);
    for (const name of DISTURBING) await check(name, etcd, store);
  } finally {
    await store.close();
    await etcd.dispose();
  }
});
