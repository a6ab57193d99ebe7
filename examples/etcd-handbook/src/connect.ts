/**
 * Connect, with a limit on how long that may take. `dialTimeoutMs` is for one endpoint; `timeoutMs` for a whole call.
 * Nothing is dialled before the first call, and an endpoint that doesn't answer is an error with a code, not a hang.
 *
 *     $ etcdctl --dial-timeout=2s endpoint health
 */
import { etcdStore } from '@setpoint/etcd';
import { isSetpointError } from 'setpoint';
import { page } from './page.ts';

export const connect = page(import.meta, async ({ endpoints, say }) => {
  const store = etcdStore({ endpoints, dialTimeoutMs: 2_000 });
  const [first] = await store.status();
  say(`connected to etcd ${first!.version}`);
  await store.close();

  const nobody = etcdStore({ endpoints: 'http://127.0.0.1:1', dialTimeoutMs: 200 });
  const error: unknown = await nobody.status({ timeoutMs: 500 }).catch((reason: unknown) => reason);
  say(`where no etcd is: ${isSetpointError(error) ? error.code : String(error)}`);
  await nobody.close();
});
