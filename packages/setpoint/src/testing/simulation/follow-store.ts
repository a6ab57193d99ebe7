import type { Revision, Store, WatchBatch, WatchRequest } from '../../store/index.ts';

/** Tells every revision of a store (or of what `request` watches), whole and in order, until the returned function is called. */
export function followStore(
  store: Store,
  onCommit: (revision: Revision, events: WatchBatch['events']) => void,
  onProgress: (revision: Revision) => void,
  request: WatchRequest = { fromKey: '\0', startRevision: 1n },
): () => void {
  let over = false;
  const all = store.watch(request)[Symbol.asyncIterator]();
  const take = ({ revision, events }: WatchBatch): void => {
    if (events.length === 0) return onProgress(revision);
    for (let from = 0; from < events.length;) {
      const at = events[from]!.kv.modRevision;
      let to = from;
      while (events[to]?.kv.modRevision === at) to++;
      onCommit(at, events.slice(from, to));
      from = to;
    }
  };
  const pull = (): void => {
    all.next().then(
      ({ value, done }) => {
        if (done === true || over) return;
        take(value);
        pull();
      },
      () => {},
    );
  };
  pull();
  return () => {
    over = true;
    void all.return?.();
  };
}

/** A handle to whatever store there is at the time of each call. */
export function storeNow(current: () => Store): Store {
  return new Proxy(current(), {
    get: (_, name) => {
      const store = current();
      const value: unknown = Reflect.get(store, name);
      return typeof value === 'function' ? (value.bind(store) as unknown) : value;
    },
  });
}
