import { isSetpointError } from 'setpoint';
import { expect, it } from 'vitest';
import { expectCode, freshPrefix, type OpenStore, watching } from './fixture.ts';
import { topic } from './topic.ts';

export function describeClosing(open: OpenStore): void {
  topic('giving up and closing', open, (t) => {
    it('a call whose signal has aborted before is not made', async () => {
      const key = freshPrefix();
      const signal = AbortSignal.abort(new Error('enough'));
      await expectCode(t.store.put({ key, value: '' }, { signal }), 'Aborted');
      await expectCode(t.store.range({ key }, { signal }), 'Aborted');
      expect((await t.store.range({ key })).count).toBe(0n);
    });

    it('closing ends watches and calls with Closed, and may be done twice', async () => {
      const key = freshPrefix();
      const store = await t.under.another();
      const watch = watching(store, { key });
      await watch.begun();
      await store.close();
      await store.close();
      const error = await watch.over;
      expect(isSetpointError(error) && error.code).toBe('Closed');
      await expectCode(store.put({ key, value: '' }), 'Closed');
      await expectCode(store.range({ key }), 'Closed');
      await expectCode(store.leaseGrant({ ttlSeconds: 5 }), 'Closed');
      await expectCode(watching(store, { key }).over, 'Closed');
    });
  });
}
