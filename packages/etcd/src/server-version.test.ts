import { describe, expect, it } from 'vitest';
import { isSupported, keepsDeletionAtCompaction } from './server-version.ts';

describe('what a version says of a server', () => {
  it('F-19: 3.4 is the oldest that is supported, whatever comes behind the numbers', () => {
    for (const version of ['3.4.0', '3.4.23', '3.5.16', '3.6.0-rc.1', '3.10.0', '4.0.0'])
      expect([version, isSupported(version)]).toEqual([version, true]);
    for (const version of ['3.3.27', '2.3.8', '', 'unknown'])
      expect([version, isSupported(version)]).toEqual([version, false]);
  });

  it('F-37: deletions at the compacted revision are safe from 3.4.36 and 3.5.18 on', () => {
    for (const version of ['3.4.36', '3.4.99', '3.5.18', '3.6.0', '4.0.0'])
      expect([version, keepsDeletionAtCompaction(version)]).toEqual([version, true]);
    for (const version of ['3.4.23', '3.4.35', '3.5.0', '3.5.17'])
      expect([version, keepsDeletionAtCompaction(version)]).toEqual([version, false]);
  });
});
