import type { RangeRequest, RangeResponse, Store, WatchBatch, WatchOptions, WatchRequest } from 'setpoint/store';

/** Stands between a caller and a store. What it leaves out passes through. */
export interface Interposer {
  /** Answers a read; `ask` makes it, also more than once or changed. */
  range?(request: RangeRequest, ask: (request: RangeRequest) => Promise<RangeResponse>): Promise<RangeResponse>;
  /** Delivers a watch; `open` opens the real one. */
  watch?(
    request: WatchRequest,
    open: (request: WatchRequest) => AsyncIterable<WatchBatch>,
    options: WatchOptions,
  ): AsyncIterable<WatchBatch>;
}

/** A store whose reads and watches go through `by`, which may break them. */
export function interposedStore(store: Store, by: Interposer): Store {
  const range: Store['range'] = (request, options) => {
    const ask = (asked: RangeRequest): Promise<RangeResponse> => store.range(asked, options);
    return by.range ? by.range(request, ask) : ask(request);
  };
  const watch: Store['watch'] = (request, options = {}) => {
    const open = (opened: WatchRequest): AsyncIterable<WatchBatch> => store.watch(opened, options);
    return by.watch ? by.watch(request, open, options) : open(request);
  };
  return new Proxy(store, {
    get(target, property) {
      if (property === 'range') return range;
      if (property === 'watch') return watch;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
