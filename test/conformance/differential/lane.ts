import { etcdStore } from '@setpoint/etcd';
import { isSetpointError } from 'setpoint';
import { memoryStore, type Revision, type Store } from 'setpoint/store';
import { type EtcdServer, startEtcd } from '../../harness/etcd-server.ts';
import { type Watched, watched } from '../../harness/watched.ts';

/** After so many sequences the watch of everything is opened anew, since it keeps all that it has seen. */
const SEQUENCES_PER_WATCH = 100;

/** Long enough for a machine that is busy with other things: a call that times out would count as a difference. */
const PATIENCE_MS = 60_000;

/** One etcd of its own, taken by one sequence at a time: revisions and compaction reach over the whole store. */
export class Lane {
  readonly real: Store;
  /** Stores that have been closed: [the model, the real one]. */
  readonly closed: readonly [Store, Store];
  readonly #server: EtcdServer;
  #everything: Watched | undefined;
  #sequences = 0;
  /** The store's revision; there is nothing in it and no lease between sequences. */
  #base: Revision = 1n;

  private constructor(server: EtcdServer) {
    this.#server = server;
    const open = (): Store => etcdStore({ endpoints: server.endpoints, callTimeoutMs: PATIENCE_MS });
    this.real = open();
    this.closed = [memoryStore(), open()];
  }

  static async open(version: string): Promise<Lane> {
    const lane = new Lane(await startEtcd({ version }));
    for (const store of lane.closed) await store.close();
    await lane.clean();
    return lane;
  }

  get version(): string {
    return this.#server.version;
  }

  get base(): Revision {
    return this.#base;
  }

  /** A watch of everything that sees at least what comes after the base. */
  everything(): Watched {
    if (this.#everything && ++this.#sequences % SEQUENCES_PER_WATCH !== 0) return this.#everything;
    void this.#everything?.stop();
    this.#everything = watched(this.real, { fromKey: '\0', prevKv: true, startRevision: this.#base + 1n });
    return this.#everything;
  }

  /** Says that a sequence left the store empty at this revision. */
  left(revision: Revision): void {
    this.#base = revision;
  }

  /** Empties the store after a sequence that ended in the middle. */
  async clean(): Promise<void> {
    await this.#everything?.stop();
    this.#everything = undefined;
    for (const id of await this.real.leases()) {
      await this.real.leaseRevoke(id).catch((error: unknown) => {
        // It has run out since.
        if (!isSetpointError(error, 'LeaseNotFound')) throw error;
      });
    }
    await this.real.put({ key: 'a', value: '' });
    this.#base = (await this.real.delete({ fromKey: '\0' })).revision;
  }

  async close(): Promise<void> {
    await this.#everything?.stop();
    await this.real.close();
    await this.#server.dispose();
  }
}
