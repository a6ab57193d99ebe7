import type { Store } from 'setpoint/store';
import { afterAll, beforeAll, describe } from 'vitest';
import type { OpenStore, StoreUnderTest } from './fixture.ts';

/** What the tests of a topic are given: the store of the topic, which is there once they run. */
export interface Topic {
  readonly store: Store;
  readonly under: StoreUnderTest;
}

/** One topic of the suite, over a store of its own. */
export function topic(name: string, open: OpenStore, define: (topic: Topic) => void): void {
  describe(name, () => {
    let under: StoreUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.dispose());
    define({
      get store() {
        return under.store;
      },
      get under() {
        return under;
      },
    });
  });
}
