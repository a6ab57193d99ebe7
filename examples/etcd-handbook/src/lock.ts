/**
 * A lock between processes and machines: who comes second waits, and is served in the order of arrival. What it writes
 * through `held.store` counts only while the lock is its own: a holder that was asleep too long can't do harm.
 *
 *     $ etcdctl lock handbook-lock echo 'mine for the moment'
 */
import { lock, openSession } from 'setpoint';
import { page } from './page.ts';

export const blockingLock = page(import.meta, async ({ store, say }) => {
  const first = await openSession({ store, identity: 'first' });
  const second = await openSession({ store, identity: 'second' });
  const held = await lock(first, 'handbook-lock');
  say('first has it');
  const waiting = lock(second, 'handbook-lock').then((its) => {
    say('second has it');
    return its;
  });
  await held.store.put({ key: '/handbook/lock/report', value: 'written by the holder' });
  say('first lets go');
  await held.release();
  await (await waiting).release();
  await first.close();
  await second.close();
});
