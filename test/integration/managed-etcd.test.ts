import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { etcdStore } from '@setpoint/etcd';
import { startManagedEtcd } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { findEtcds, unsupportedArch } from '../../scripts/etcd.mjs';

const { found } = await findEtcds();
if (unsupportedArch) process.env['ETCD_UNSUPPORTED_ARCH'] = unsupportedArch;

const folders = async (): Promise<number> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('setpoint-etcd-')).length;

describe.each(found)('startManagedEtcd with a real etcd $version', ({ etcd: binary }) => {
  it('I-204: gives two tests an etcd each, and takes them away with their data', async () => {
    const before = await folders();
    const [one, other] = await Promise.all([startManagedEtcd({ binary }), startManagedEtcd({ binary })]);
    const stores = [one, other].map(({ endpoint }) => etcdStore({ endpoints: [endpoint] }));
    await stores[0]!.put({ key: '/a', value: 'one' });
    expect((await stores[0]!.range({ key: '/a' })).count).toBe(1n);
    expect((await stores[1]!.range({ key: '/a' })).count).toBe(0n);
    expect(await folders()).toBe(before + 2);
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all([one.stop(), one.stop(), other.stop()]);
    expect(await folders()).toBe(before);
    await expect(fetch(`http://${one.endpoint}/health`)).rejects.toThrow();
  });

  it('says what the program complained of', async () => {
    expect(existsSync(binary)).toBe(true);
    await expect(startManagedEtcd({ binary, flags: ['--no-such-flag'] })).rejects.toThrow(
      /Unavailable.*did not come up.*no-such-flag/s,
    );
  });
});
