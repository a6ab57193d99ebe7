import { keyRange } from 'setpoint/store';
import { describe, expect, it } from 'vitest';
import { ResumePoints } from './resume-points.ts';

describe('the points that watches are resumed from', () => {
  const range = keyRange({ prefix: '/a' });

  it('F-40: give each of several watches that ended at one point its incarnation, and no further one', () => {
    const points = new ResumePoints();
    points.ended(range, 6n, 1);
    points.ended(range, 6n, 1);
    expect([1, 2, 3].map(() => points.take(range, 6n))).toEqual([1, 1, undefined]);
  });

  it('I-180: are forgotten, the oldest first, when watches end that nobody resumes', () => {
    const points = new ResumePoints();
    for (let next = 1n; next <= 10_001n; next++) points.ended(range, next, 0);
    expect([points.take(range, 1n), points.take(range, 2n)]).toEqual([undefined, 0]);
  });
});
