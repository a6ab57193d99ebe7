import { etcdStore } from '@setpoint/etcd';
import { memoryStore, type Store } from 'setpoint';

/** A setup that can't work. The message says what to do; no stack trace would add to it. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

const ANSWER_MAX_MS = 5_000;

/** The etcd at ETCD_ENDPOINTS (a comma-separated list), once it answers; without any, a store in memory. */
export async function openStore(endpoints = process.env['ETCD_ENDPOINTS']): Promise<Store> {
  return endpoints === undefined || endpoints === '' ? memoryStore() : openEtcd(endpoints);
}

/** For what makes no sense on a store of its own: a process that is one of several. */
export async function openSharedStore(endpoints = process.env['ETCD_ENDPOINTS']): Promise<Store> {
  if (endpoints === undefined || endpoints === '') {
    throw new SetupError(`Set ETCD_ENDPOINTS to the etcd that all processes share. ${START_ONE}`);
  }
  return openEtcd(endpoints);
}

const START_ONE =
  '"docker compose up -d" in the root of the project starts one at http://127.0.0.1:2379, ' +
  'and without ETCD_ENDPOINTS "npm start" needs none.';

async function openEtcd(endpoints: string): Promise<Store> {
  const list = endpoints.split(',').map((endpoint) => endpoint.trim());
  let store: Store | undefined;
  try {
    store = etcdStore({ endpoints: list });
    await store.status({ timeoutMs: ANSWER_MAX_MS });
    return store;
  } catch (error) {
    await store?.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      `ETCD_ENDPOINTS is ${list.join(', ')}, but no etcd can be used there: ${reason}\n${START_ONE}`,
      {
        cause: error,
      },
    );
  }
}
