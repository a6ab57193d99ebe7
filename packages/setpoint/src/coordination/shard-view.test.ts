import { expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import { seededRandom } from '../internal/random.ts';
import { memoryStore } from '../store/index.ts';
import { encodeHolder, entryKey } from './line.ts';
import { ShardView, slotPrefix } from './shard-view.ts';

it('F-82: the roll is worked out again when somebody comes or goes, and not for each slot that changes hands', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  const random = seededRandom(1);
  const { id: lease } = await store.leaseGrant({ ttlSeconds: 600 });
  const put = async (under: string, identity: string): Promise<string> => {
    const key = entryKey(under, lease, random.uuid());
    await store.put({ key, value: encodeHolder({ identity, since: 0, value: '' }), lease });
    await clock.advance(0);
    return key;
  };
  await put('/s/members/', 'a');
  const view = new ShardView('/s/');
  const stop = new AbortController();
  const rolls = new Set<unknown>();
  const following = view.follow({ store, clock, random }, stop.signal, () => void rolls.add(view.members));
  await clock.advance(0);
  for (let slot = 0; slot < 10; slot++) await put(slotPrefix('/s/', slot), 'a');
  expect(rolls.size).toBe(1);
  const key = await put('/s/members/', 'b');
  expect(view.members.map(({ identity }) => identity)).toEqual(['a', 'b']);
  await store.delete({ key });
  await clock.advance(0);
  expect(view.members.map(({ identity }) => identity)).toEqual(['a']);
  expect(rolls.size).toBe(3);
  stop.abort();
  await following;
});
