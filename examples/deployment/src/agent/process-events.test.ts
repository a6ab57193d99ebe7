import { describe, expect, it } from 'vitest';
import type { Process } from '../kinds.ts';
import { whatHappened } from './process-events.ts';
import type { Observation } from './program.ts';

const process = (status?: object): Process => ({ spec: { command: ['node', 'web.js'] }, status }) as unknown as Process;
const seen = (rest: Partial<Observation>): Observation => ({ phase: 'Running', ready: false, restarts: 0, ...rest });
const unready = (message: string) => ({
  phase: 'Running',
  pid: 7,
  conditions: [{ type: 'Ready', status: 'False', reason: 'ProbeFailed', message }],
});
const failed = { reason: 'Exited', message: 'it exited with code 3' };

describe('what happened to a program', () => {
  it.each<[string, object | undefined, Partial<Observation>, string[]]>([
    ['nothing new', { phase: 'Running', pid: 7 }, { pid: 7, ready: true }, []],
    [
      'its first start',
      undefined,
      { phase: 'Starting', pid: 7 },
      ['Normal Started Started program node web.js, pid 7'],
    ],
    [
      'a start again',
      { phase: 'BackOff', pid: 7 },
      { phase: 'Starting', pid: 8 },
      ['Normal Started Started program node web.js, pid 8'],
    ],
    [
      'its end',
      { phase: 'Running', pid: 7 },
      { phase: 'BackOff', failure: failed },
      ['Warning BackOff Back-off restarting failed program node web.js: it exited with code 3'],
    ],
    ['an end that was told already', { phase: 'BackOff' }, { phase: 'BackOff', failure: failed }, []],
    [
      'a liveness probe that failed',
      { phase: 'Running', pid: 7 },
      { phase: 'BackOff', failure: { reason: 'Unhealthy', message: 'its liveness probe failed: no answer' } },
      [
        'Warning Unhealthy its liveness probe failed: no answer',
        'Warning BackOff Back-off restarting failed program node web.js: its liveness probe failed: no answer',
      ],
    ],
    [
      'a probe that has not succeeded yet',
      unready(''),
      { pid: 7, unready: 'its readiness probe has not succeeded yet' },
      [],
    ],
    [
      'a readiness probe that failed',
      unready('ok'),
      { pid: 7, unready: 'its readiness probe failed: 503' },
      ['Warning Unhealthy its readiness probe failed: 503'],
    ],
    [
      'the same failure',
      unready('its readiness probe failed: 503'),
      { pid: 7, unready: 'its readiness probe failed: 503' },
      [],
    ],
    [
      'an end for good',
      { phase: 'Running', pid: 7 },
      { phase: 'Completed' },
      ['Normal Completed Program node web.js has ended'],
    ],
    [
      'a failure for good',
      { phase: 'Running', pid: 7 },
      { phase: 'Failed', failure: failed },
      ['Warning Failed it exited with code 3'],
    ],
  ])('%s', (_title, status, observed, expected) => {
    const events = whatHappened(process(status), seen(observed));
    expect(events.map(({ type, reason, message }) => `${type} ${reason} ${message}`)).toEqual(expected);
  });
});
