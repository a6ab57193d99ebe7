import { keyText, memoryStore, type Store, toBytes } from 'setpoint/store';
import { expect, it } from 'vitest';
import { interposedStore } from '../../../../test/harness/interposed-store.ts';
import { sampleClient } from '../../../../test/harness/sample-objects.ts';

const PAGE = 1000;

/** A store that forgets all history before the read of the second page of a thousand. */
function forgetful(inner: Store): { readonly store: Store; readonly forgot: () => boolean } {
  let forgot = false;
  const store = interposedStore(inner, {
    async range(request, ask) {
      if (!forgot && 'key' in request && keyText(toBytes(request.key)).endsWith('web-0999\0')) {
        forgot = true;
        const { revision } = await inner.put({ key: '/elsewhere', value: '' });
        await inner.compact(revision);
      }
      return await ask(request);
    },
  });
  return { store, forgot: () => forgot };
}

/** Five more than a page, by copying the bytes of one. */
async function manyWebsites(): Promise<Store> {
  const store = memoryStore();
  await sampleClient({ store }).websites.create({ name: 'web-0000', spec: { message: 'm' } });
  const { kvs } = await store.range({ key: '/registry/websites/default/web-0000' });
  const text = Buffer.from(kvs[0]!.value).toString();
  const names = Array.from({ length: PAGE + 5 }, (_, index) => `web-${String(index).padStart(4, '0')}`);
  for (let at = 0; at < names.length; at += 100) {
    const puts = names.slice(at, at + 100).map((name) => {
      return { put: { key: `/registry/websites/default/${name}`, value: text.replace('web-0000', name) } };
    });
    await store.txn({ then: puts });
  }
  return store;
}

it('works all off that is selected, also where history is lost between two pages', async () => {
  const { store, forgot } = forgetful(await manyWebsites());
  const { deleted } = await sampleClient({ store }).websites.deleteCollection({ dryRun: true });
  expect([deleted.length, forgot()]).toEqual([PAGE + 5, true]);
});
