import { deferred } from 'setpoint/internal';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import { Authentication } from './authentication.ts';
import { resolveOptions } from './options.ts';
import type { Transport } from './transport.ts';

/** A user, and a server that answers each login when the test says so. */
function setUp() {
  const clock = new FakeClock();
  const auth = { username: 'me', password: 'secret' };
  const authentication = new Authentication(resolveOptions({ endpoints: 'e', clock, auth }));
  const logins: ReturnType<typeof deferred<{ token: string }>>[] = [];
  const transport = {
    unary: () => {
      const login = deferred<{ token: string }>();
      logins.push(login);
      return { answer: login.promise, cancel: () => login.reject(new Error('Cancelled on client')) };
    },
  } as unknown as Transport;
  return { authentication, clock, logins, token: () => authentication.token(transport)! };
}

describe('Authentication', () => {
  it('R1: one login replaces a token, however many calls are refused with it, also while it is under way', async () => {
    const { authentication, clock, logins, token } = setUp();
    const first = token();
    logins[0]!.resolve({ token: 'old' });
    expect(await first).toBe('old');
    await clock.advance(1000);
    authentication.refused('old');
    const waiting = [token()];
    await settle();
    for (let call = 0; call < 5; call++) {
      authentication.refused('old');
      waiting.push(token());
      await settle();
    }
    expect(logins).toHaveLength(2);
    logins[1]!.resolve({ token: 'new' });
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['new']));
    authentication.refused('old');
    expect(await token()).toBe('new');
  });

  it('tries again after a login that failed, and not sooner than a second after it', async () => {
    const { clock, logins, token } = setUp();
    const failed = token();
    logins[0]!.reject(new Error('Connection dropped'));
    await expect(failed).rejects.toThrow('Connection dropped');
    const again = token();
    await clock.advance(999);
    expect(logins).toHaveLength(1);
    await clock.advance(1);
    logins[1]!.resolve({ token: 'late' });
    expect(await again).toBe('late');
  });
});
