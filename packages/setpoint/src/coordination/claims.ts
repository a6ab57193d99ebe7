import type { Session } from './session.ts';

/**
 * Which lines a session has a party in. A session is one holder, so it stands in a line once: a second key of it would
 * wait for the first one for ever.
 */
export class Claims<T> {
  readonly #bySession = new WeakMap<Session, Map<string, T>>();

  find(session: Session, linePrefix: string): T | undefined {
    return this.#bySession.get(session)?.get(linePrefix);
  }

  add(session: Session, linePrefix: string, claim: T): void {
    const claims = this.#bySession.get(session) ?? new Map<string, T>();
    this.#bySession.set(session, claims.set(linePrefix, claim));
  }

  /** Takes `claim` out, and no other that has come in its place. */
  remove(session: Session, linePrefix: string, claim: T): void {
    const claims = this.#bySession.get(session);
    if (claims?.get(linePrefix) === claim) claims.delete(linePrefix);
  }
}
