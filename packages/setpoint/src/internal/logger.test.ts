import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { type Logger, silentLogger, steadyLogger } from './logger.ts';

it('a pino logger passes straight in, children and all', () => {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
  const logger: Logger = pino({ level: 'debug', base: null, timestamp: false }, stream);
  logger.child({ controller: 'websites' }).child({ key: 'default/a' }).warn({ afterMs: 30 }, 'out of time');
  logger.debug({ err: new Error('broken') }, 'failed');
  logger.info({}, 'ready');
  logger.error({ code: 'Conflict' }, 'refused');
  expect(lines).toEqual([
    { level: 40, controller: 'websites', key: 'default/a', afterMs: 30, msg: 'out of time' },
    { level: 20, err: expect.objectContaining({ message: 'broken' }) as unknown, msg: 'failed' },
    { level: 30, msg: 'ready' },
    { level: 50, code: 'Conflict', msg: 'refused' },
  ]);
});

describe('steadyLogger', () => {
  const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
  const failing = (fail: () => unknown): Logger => ({
    debug: fail,
    info: fail,
    warn: fail,
    error: fail,
    child: () => failing(fail),
  });

  it('lets nothing out of a logger that throws or rejects, children included, and a warning says so once', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const thrower = (): never => {
        throw new TypeError('secret');
      };
      const loggers = [
        failing(thrower),
        failing(() => Promise.reject(new Error('secret'))),
        { ...failing(thrower), child: thrower },
      ];
      for (const logger of loggers.map((each) => steadyLogger(each))) {
        for (const each of [logger, logger.child({ key: 'a' }), logger.child({}).child({})]) {
          for (const level of LEVELS) each[level]({}, 'said');
        }
        await Promise.resolve();
      }
      expect(warned).toHaveBeenCalledTimes(loggers.length);
      expect(JSON.stringify(warned.mock.calls)).not.toContain('secret');
    } finally {
      warned.mockRestore();
    }
  });

  it('passes on what is said, is one layer however often it is asked for, and silence without a logger', () => {
    const said: unknown[] = [];
    const collecting = (common: object): Logger => {
      const at = (level: string) => (fields: object, message: string) =>
        void said.push([level, { ...common, ...fields }, message]);
      return {
        debug: at('debug'),
        info: at('info'),
        warn: at('warn'),
        error: at('error'),
        child: (more) => collecting({ ...common, ...more }),
      };
    };
    const logger = steadyLogger(collecting({}));
    logger.child({ a: 1 }).warn({ b: 2 }, 'so');
    expect(said).toEqual([['warn', { a: 1, b: 2 }, 'so']]);
    expect(steadyLogger(logger)).toBe(logger);
    const child = logger.child({});
    expect(steadyLogger(child)).toBe(child);
    expect(steadyLogger(undefined)).toBe(silentLogger);
  });
});
