import { describe, expect, it } from 'vitest';
import { SetpointError } from '../errors/index.ts';
import { consoleLogger, defaultLogger } from './console-logger.ts';
import { FakeClock } from '../internal/fake-clock.ts';
import { silentLogger } from '../internal/logger.ts';

function written(isTTY: boolean, level?: 'debug' | 'warn') {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text), isTTY };
  return { lines, logger: consoleLogger({ stream, clock: new FakeClock(0), ...(level ? { level } : {}) }) };
}

describe('consoleLogger', () => {
  it('writes a line that people can read to a terminal', () => {
    const { lines, logger } = written(true);
    const err = new SetpointError('Conflict', 'update of Website a/b');
    logger.child({ controller: 'websites' }).warn({ key: 'a/b', attempt: 2, err }, 'tried again');
    expect(lines).toEqual([
      '00:00:00.000 WARN  tried again controller=websites key=a/b attempt=2 err="Conflict: update of Website a/b"\n',
    ]);
  });

  it('writes JSON anywhere else, with errors and bigints in it', () => {
    const { lines, logger } = written(false);
    logger.error({ revision: 2n ** 60n, err: new TypeError('no') }, 'broken');
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(line).toMatchObject({
      level: 'error',
      time: '1970-01-01T00:00:00.000Z',
      msg: 'broken',
      revision: '1152921504606846976',
      err: { type: 'TypeError', message: 'no' },
    });
  });

  it('writes whatever it is given: bigints and errors at any depth, and names what has no JSON', () => {
    const { lines, logger } = written(false);
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const causes = [{ type: 'event', revision: 5n, error: new TypeError('no') }];
    logger.info({ causes, circle, absent: undefined }, 'why');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      causes: [{ revision: '5', error: { type: 'TypeError' } }],
      circle: '[object that has no JSON]',
    });
  });

  it('leaves out what is less severe than its level, which must exist', () => {
    const { lines, logger } = written(true, 'warn');
    logger.debug({}, 'a');
    logger.info({}, 'b');
    logger.warn({}, 'c');
    expect(lines).toHaveLength(1);
    expect(() => consoleLogger({ level: 'loud' as 'warn' })).toThrow(/one of debug, info, warn, error; got loud/);
  });

  it('is silent by default in a test run', () => {
    expect(defaultLogger()).toBe(silentLogger);
  });
});
