import { explore } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { subjects } from './campaign/subjects.ts';
import { shares, SubjectTotal } from './campaign/totals.ts';

/** `npm run simulate` runs them by the thousand; these few show with every test run that nothing is broken outright. */
const SCHEDULES = 6;

describe('the runtime and the example controllers, under faults', () => {
  it.each(subjects.map((subject) => [subject.name, subject] as const))('%s', async (_name, subject) => {
    const budget = { schedules: SCHEDULES, ms: 50_000 };
    const report = await explore({ ...subject, budget, faults: ['crash-after', 'unknown', 'restart', 'hold'] });
    expect(report.failures.map(({ text }) => text)).toEqual([]);
    expect(report.faultsStruck).toBeGreaterThanOrEqual(SCHEDULES);
  });
});

describe('a campaign of several processes', () => {
  it('shares out every schedule, and gives nobody nothing', () => {
    const all = [
      [10, 16],
      [3, 8],
      [40, 64],
      [7, 2],
      [9, 3],
      [1, 1],
    ] as const;
    for (const [count, among] of all) {
      const parts = shares(count, among);
      expect(parts.reduce((sum, part) => sum + part)).toBe(count);
      expect(Math.min(...parts)).toBeGreaterThan(0);
      expect(parts.length).toBeLessThanOrEqual(among);
    }
  });

  it('adds up what its parts found, tells each failure once, and goes no deeper after one', async () => {
    const { failures: _none, ...report } = await explore({
      ...subjects.find(({ name }) => name === 'queue')!,
      depth: 1,
    });
    const failure = { text: 'the same' };
    const total = new SubjectTotal('queue');
    total.add({ report: { ...report, failures: [] }, cpuSeconds: 1 });
    expect([total.schedules, total.singlesPassed]).toEqual([report.depth1.total, true]);
    for (let part = 0; part < 2; part++) {
      const deeper = { ...report, depth1: { total: 0, run: 0 }, failures: [failure] as never };
      total.add({ report: deeper, cpuSeconds: 1 });
    }
    expect(total.schedules).toBe(3 * report.schedules);
    expect([total.failures, total.singlesPassed, total.cpuSeconds]).toEqual([[failure], false, 3]);
  });
});
