import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Logger } from './logger.ts';

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
