import { fileURLToPath } from 'node:url';
import { etcdStore } from '@setpoint/etcd';
import { isSetpointError, type Store } from 'setpoint';

/** What a page of the handbook works with. */
export interface Tools {
  readonly store: Store;
  readonly endpoints: readonly string[];
  /** Says what there is to see. */
  readonly say: (line: string) => void;
}

export type Page = (tools: Tools) => Promise<void>;

/**
 * One page of the handbook. It is a function that anybody may call with a store of theirs, and a program: `node
 * dist/put.js` runs it on the etcd at ETCD_ENDPOINTS (a comma-separated list, else http://127.0.0.1:2379).
 */
export function page(module: ImportMeta, content: Page): Page {
  if (process.argv[1] === fileURLToPath(module.url)) void runAlone(content);
  return content;
}

async function runAlone(content: Page): Promise<void> {
  const endpoints = (process.env['ETCD_ENDPOINTS'] ?? 'http://127.0.0.1:2379').split(',');
  const store = etcdStore({ endpoints });
  try {
    await content({ store, endpoints, say: (line) => console.log(line) });
  } catch (error) {
    console.error(isSetpointError(error) ? error.message : error);
    process.exitCode = 1;
  } finally {
    await store.close();
  }
}

/** Values are bytes, as in etcd; most of the handbook's are text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
