/**
 * Take a lock if it is free, and otherwise do something else: no waiting, no key left behind, and it says who has it.
 *
 *     $ etcdctl get --prefix /setpoint/locks/handbook-try/
 */
import { openSession, tryLock } from 'setpoint';
import { page } from './page.ts';

export const tryLocking = page(import.meta, async ({ store, say }) => {
  const ada = await openSession({ store, identity: 'ada' });
  const bob = await openSession({ store, identity: 'bob' });
  const mine = await tryLock(ada, 'handbook-try');
  say(`ada: ${mine.lock ? 'got it' : 'busy'}`);
  const his = await tryLock(bob, 'handbook-try');
  say(`bob: ${his.lock ? 'got it' : `busy, ${his.holder.identity} has it`}`);
  await mine.lock?.release();
  const again = await tryLock(bob, 'handbook-try');
  say(`bob, later: ${again.lock ? 'got it' : 'busy'}`);
  await again.lock?.release();
  await ada.close();
  await bob.close();
});
