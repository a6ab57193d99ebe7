/**
 * Wait for a lock, but not for ever. Whoever gives up leaves no key behind, so that those behind move on.
 *
 *     $ timeout 5 etcdctl lock handbook-time-limit true
 */
import { isSetpointError, lock, openSession } from 'setpoint';
import { page } from './page.ts';

export const lockTimeLimit = page(import.meta, async ({ store, say }) => {
  const holder = await openSession({ store });
  const waiter = await openSession({ store });
  const held = await lock(holder, 'handbook-time-limit');
  const error: unknown = await lock(waiter, 'handbook-time-limit', { timeoutMs: 300 }).catch(
    (reason: unknown) => reason,
  );
  say(`after 300 ms: ${isSetpointError(error) ? error.code : String(error)}`);
  await held.release();
  const its = await lock(waiter, 'handbook-time-limit', { timeoutMs: 10_000 });
  say('once it is free: got it in time');
  await its.release();
  await holder.close();
  await waiter.close();
});
