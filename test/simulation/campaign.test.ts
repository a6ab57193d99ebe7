import { explore } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { subjects } from './campaign/subjects.ts';

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
