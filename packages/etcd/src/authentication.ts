import { sleep } from 'setpoint/internal';
import { textOf } from './error-mapping.ts';
import type { Settings } from './options.ts';
import { authenticateRpc } from './rpcs.ts';
import type { Transport } from './transport.ts';

/** A password check costs the server some 100 ms of CPU, so logins are spaced out. */
const LOGIN_SPACING_MS = 1000;

/**
 * The token that calls carry when a user is configured. One login serves every call and stream that waits for one;
 * a token that the server no longer takes is replaced by the first who noticed.
 */
export class Authentication {
  readonly #settings: Settings;
  #login: Promise<string | undefined> | undefined;
  /** What the last login gave, until it is refused; nothing while another one is under way. */
  #held: { readonly token: string | undefined } | undefined;
  #lastLoginAt = -Infinity;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get configured(): boolean {
    return this.#settings.auth !== undefined;
  }

  /** The token, logging in over `transport` if there is none; undefined when none is needed. Rejects as the call does. */
  token(transport: Transport): Promise<string | undefined> | undefined {
    if (!this.#settings.auth) return undefined;
    this.#login ??= this.#logIn(transport).catch((error: unknown) => {
      this.#login = undefined;
      throw error;
    });
    return this.#login;
  }

  /** Says that the server refused `stale`; the next who asks logs in again, unless somebody has already. */
  refused(stale: string | undefined): void {
    if (!this.#held || this.#held.token !== stale) return;
    this.#held = undefined;
    this.#login = undefined;
  }

  async #logIn(transport: Transport): Promise<string | undefined> {
    const { auth, clock, dialTimeoutMs } = this.#settings;
    const early = this.#lastLoginAt + LOGIN_SPACING_MS - clock.now();
    if (early > 0) await sleep(clock, early, undefined, { ref: true });
    this.#lastLoginAt = clock.now();
    const request = { name: auth!.username, password: auth!.password };
    const call = transport.unary(authenticateRpc, request, { requireLeader: false });
    const timer = clock.setTimer(() => call.cancel(), dialTimeoutMs);
    try {
      this.#held = { token: (await call.answer).token };
    } catch (error) {
      // As etcd's own client does: a user is configured, and the server does not ask for one.
      if (!/authentication is not enabled/.test(textOf(error))) throw error;
      this.#held = { token: undefined };
    } finally {
      timer.cancel();
    }
    return this.#held.token;
  }
}
