import { describe, expect, it } from 'vitest';
import { answersProgressRequests, defectsOf } from './server-defects.ts';

describe('what is known of server versions', () => {
  it.each([
    ['3.3.27', false],
    ['3.4.23', false],
    ['3.4.30', false],
    ['3.4.31', true],
    ['3.5.0', false],
    ['3.5.12', false],
    ['3.5.13', true],
    ['3.5.16', true],
    ['3.6.0', true],
    ['3.6.0-rc.1', true],
    ['3.10.2', true],
    ['4.0.0', true],
    ['', false],
    ['not a version', false],
  ])('I-91: the answers of etcd %s to requests for progress are trusted: %s', (version, trusted) => {
    expect(answersProgressRequests(version)).toBe(trusted);
  });

  it('F-19: names what an old server does wrong, and what concerns users only where there are some', () => {
    expect(defectsOf('3.4.23', false)).toHaveLength(3);
    expect(defectsOf('3.5.16', false)).toEqual([
      'a compaction can lose watch events',
      'renewing a lease that was revoked can seem to succeed',
    ]);
    expect(defectsOf('3.5.23', false)).toEqual([]);
    expect(defectsOf('3.5.23', true)).toHaveLength(1);
    expect(defectsOf('3.4.99', true)).toHaveLength(1);
    for (const version of ['3.5.33', '3.6.14', '3.7.1', '3.8.0', '4.0.0']) expect(defectsOf(version, true)).toEqual([]);
  });
});
