import { describe } from 'vitest';
import type { OpenStore } from './fixture.ts';
import { describeClosing } from './closing.ts';
import { describeHistory } from './history.ts';
import { describeKeys } from './keys.ts';
import { describeLeases } from './leases.ts';
import { describeLimits } from './limits.ts';
import { describeRanges } from './ranges.ts';
import { describeTransactions } from './transactions.ts';
import { describeWatches } from './watches.ts';
import { describeWatchHistory } from './watch-history.ts';
import { describeWatchProgress } from './watch-progress.ts';

/**
 * What every Store must do, in etcd's words. One suite over all of them: where two stores differ, one is wrong, and
 * real etcd decides which. All revisions are relative and all keys lie under fresh prefixes, so the database behind a
 * store may be shared and old. Only compaction reaches beyond a test's own keys; topics therefore run one by one.
 */
export function describeStoreConformance(name: string, open: OpenStore): void {
  describe(`conformance of ${name}`, () => {
    describeKeys(open);
    describeRanges(open);
    describeTransactions(open);
    describeHistory(open);
    describeWatches(open);
    describeWatchHistory(open);
    describeWatchProgress(open);
    describeLeases(open);
    describeLimits(open);
    describeClosing(open);
  });
}
