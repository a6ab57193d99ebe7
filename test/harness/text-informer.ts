import { createInformer, type Informer, type InformerOptions } from 'setpoint/informer';
import { textCodec } from 'setpoint/resource';
import { memoryStore, type Store } from 'setpoint/store';
import { FakeClock, seededRandom, settle } from 'setpoint/testing';

/** A store on virtual time, with keys below `/config`, and what makes informers of it. */
export interface Texts {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly put: (name: string, value?: string) => Promise<bigint>;
  readonly remove: (name: string) => Promise<bigint>;
  /** A running informer, of another folder where one is named. */
  readonly follow: (options?: Partial<InformerOptions<string>>) => Promise<Informer<string>>;
  readonly stop: () => void;
}

export function texts(): Texts {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const life = new AbortController();
  return {
    clock,
    store,
    put: async (name, value = name) => (await store.put({ key: `/config/${name}`, value })).revision,
    remove: async (name) => (await store.delete({ key: `/config/${name}` })).revision,
    async follow(options = {}) {
      const random = seededRandom(1);
      const informer = createInformer<string>({
        store,
        prefix: '/config',
        codec: textCodec,
        clock,
        random,
        ...options,
      });
      void informer.run(life.signal);
      await settle();
      return informer;
    },
    stop: () => life.abort(),
  };
}

/** Notes the calls of a handler as lines. */
export function calls(into: string[]) {
  return {
    add: (object: unknown, { key, inInitialList }: { key: string; inInitialList: boolean }) =>
      void into.push(`add ${key}=${String(object)}${inInitialList ? ' initial' : ''}`),
    update: (old: unknown, object: unknown, { key }: { key: string }) =>
      void into.push(`update ${key}=${String(old)}→${String(object)}`),
    delete: (object: unknown, { key }: { key: string }) => void into.push(`delete ${key}=${String(object)}`),
  };
}
