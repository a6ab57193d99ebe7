import { setTimeout as wait } from 'node:timers/promises';
import { etcdStore } from '@setpoint/etcd';
import { afterAll, describe } from 'vitest';
import { availableEtcds, type EtcdServer, startEtcd } from '../harness/etcd-server.ts';
import { describeStoreConformance } from './suite.ts';

for (const version of await availableEtcds()) {
  describe(`etcd ${version}`, () => {
    let server: Promise<EtcdServer> | undefined;
    afterAll(async () => (await server)?.dispose());

    describeStoreConformance(`etcdStore on etcd ${version}`, async () => {
      const { endpoints, version: exact } = await (server ??= startEtcd({ version }));
      const store = etcdStore({ endpoints });
      return {
        store,
        answersProgress: !/^3\.4\.(?:[12]?\d|30)$|^3\.5\.(?:\d|1[0-2])$/.test(exact),
        elapse: (ms) => wait(ms),
        another: async () => etcdStore({ endpoints }),
        dispose: () => store.close(),
      };
    });
  });
}
