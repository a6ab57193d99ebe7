import { FakeClock, settle } from '../../packages/setpoint/src/internal/fake-clock.ts';
import { seededRandom } from '../../packages/setpoint/src/internal/random.ts';
import { createInformer, type Informer, type InformerOptions } from '../../packages/setpoint/src/informer/index.ts';
import { textCodec } from '../../packages/setpoint/src/resource/index.ts';
import { memoryStore, type Store } from '../../packages/setpoint/src/store/index.ts';

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
