import { createClient, type Store } from 'setpoint';
import { CommandError } from './command-error.ts';
import { remoteStore } from './remote-store.ts';
import type { Connection, GlobalOptions } from './session.ts';

/** What is tried when nothing is said: where a running example serves its store. */
export const DEFAULT_SERVER = 'http://127.0.0.1:7480';

const ANSWER_MAX_MS = 5_000;

/**
 * Opens the store that the options name: an etcd (`--endpoints`, ETCD_ENDPOINTS), or a program that serves its own
 * (`--server`, SETPOINT_SERVER, otherwise {@link DEFAULT_SERVER}). The etcd driver is loaded only when it is used.
 */
export async function withConnection(
  options: GlobalOptions,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const { prefix, namespace } = options;
  const store = await openStore(options);
  try {
    await work({ store, client: createClient({ store, prefix }), prefix, namespace });
  } finally {
    await store.close();
  }
}

async function openStore({ endpoints, server }: GlobalOptions): Promise<Store> {
  const { ETCD_ENDPOINTS: etcd, SETPOINT_SERVER: serving } = process.env;
  const chosen = server === undefined ? (endpoints ?? (serving === undefined ? etcd : undefined)) : undefined;
  if (endpoints !== undefined && server !== undefined) {
    throw new CommandError('error: give --endpoints or --server, not both');
  }
  const store =
    chosen === undefined || chosen === '' ? served(server ?? serving ?? DEFAULT_SERVER) : await etcdAt(chosen);
  await store.status({ timeoutMs: ANSWER_MAX_MS }).catch(async (error: unknown) => {
    await store.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      `The connection to the server was refused - did you specify the right host or port?\n${reason}\n` +
        'Say --endpoints HOST:PORT for an etcd, or --server URL for a program that serves its store.',
    );
  });
  return store;
}

function served(url: string): Store {
  if (URL.canParse(url) && new URL(url).protocol === 'http:') return remoteStore(new URL(url).origin);
  throw new CommandError(`error: --server: expected a URL such as ${DEFAULT_SERVER}, got "${url}"`);
}

async function etcdAt(endpoints: string): Promise<Store> {
  const { etcdStore } = await import('@setpoint/etcd');
  return etcdStore({ endpoints: endpoints.split(',').map((each) => each.trim()) });
}
