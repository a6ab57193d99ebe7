import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes, isSetpointError, SetpointError } from './index.ts';

/** The rows of the table in docs/errors.md: code and whether it is retryable. */
function documented(): Map<string, string> {
  const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
  return new Map([...page.matchAll(/^\|\s*`(\w+)`\s*\|\s*(yes|no)\s*\|/gm)].map((row) => [row[1]!, row[2]!]));
}

describe('SetpointError', () => {
  it('has every code explained in docs/errors.md, and the page has no code that is gone', () => {
    expect([...documented().keys()].sort()).toEqual([...errorCodes].sort());
  });

  it('says in docs/errors.md of each code what `retryable` says', () => {
    const claims = errorCodes.map((code) => [code, new SetpointError(code, 'x').retryable ? 'yes' : 'no']);
    expect(new Map(claims as [string, string][])).toEqual(documented());
  });

  it('starts its message with the code and keeps cause and details', () => {
    const cause = new Error('underneath');
    const error = new SetpointError('Conflict', 'update of Website a/b', { cause, details: { key: 'a/b' } });
    expect(error.message).toBe('Conflict: update of Website a/b');
    expect(error.cause).toBe(cause);
    expect(error.details).toEqual({ key: 'a/b' });
  });

  it('F-96: is recognised across two copies of the package, and nothing else is', async () => {
    const copy = (await import('./setpoint-error.ts?copy' as string)) as typeof import('./setpoint-error.ts');
    const foreign = new copy.SetpointError('Conflict', 'from the other copy');
    expect(foreign).not.toBeInstanceOf(SetpointError);
    expect(isSetpointError(foreign, 'Conflict')).toBe(true);
    expect(isSetpointError(foreign, 'NotFound')).toBe(false);
    for (const other of [new Error('x'), null, undefined, 'Conflict', { code: 'Conflict' }]) {
      expect(isSetpointError(other)).toBe(false);
    }
  });
});
