import type { Revision, Store, WatchBatch, WatchRequest } from '../../store/index.ts';

const EVERYTHING: WatchRequest = { fromKey: '\0', startRevision: 1n };

/** Tells every revision of a simulated store, whole and in order, until the returned function is called. */
export function followStore(
  store: Store,
  onCommit: (revision: Revision, events: WatchBatch['events']) => void,
  onProgress: (revision: Revision) => void,
): () => void {
  let over = false;
  const all = store.watch(EVERYTHING)[Symbol.asyncIterator]();
  const take = (batch: WatchBatch): void => {
    if (batch.events.length === 0) return onProgress(batch.revision);
    for (const [revision, events] of revisionsOf(batch)) onCommit(revision, events);
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

/** What a batch tells, revision by revision. */
export function* revisionsOf({ events }: WatchBatch): Generator<readonly [Revision, WatchBatch['events']]> {
  for (let from = 0; from < events.length;) {
    const revision = events[from]!.kv.modRevision;
    let to = from;
    while (events[to]?.kv.modRevision === revision) to++;
    yield [revision, events.slice(from, to)];
    from = to;
  }
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
