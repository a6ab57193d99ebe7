import { describe, expect, it } from 'vitest';
import { ErrorLog } from './error-log.ts';
import { FakeClock } from './fake-clock.ts';
import { silentLogger } from './logger.ts';

describe('ErrorLog', () => {
  it('F-107: writes at most 10 lines in 10 s, bounded in length, and says how many it left out', async () => {
    const clock = new FakeClock();
    const lines: object[] = [];
    const log = new ErrorLog({ ...silentLogger, error: (fields) => lines.push(fields) }, clock);
    for (let at = 0; at < 25; at++) log.write(new Error('x'.repeat(1_000_000)), { at }, 'failed');
    expect(lines).toHaveLength(10);
    expect(JSON.stringify(lines).length).toBeLessThan(100_000);
    await clock.advance(9_999);
    log.write(null, { at: 25 }, 'failed');
    expect(lines).toHaveLength(10);
    await clock.advance(1);
    log.write('text', { at: 26 }, 'failed');
    log.write('text', { at: 27 }, 'failed');
    expect(lines[10]).toMatchObject({ at: 26, suppressed: 16 });
    expect(lines[11]).not.toHaveProperty('suppressed');
  });

  it('F-107: keeps lines of one message from hiding another', () => {
    const messages: string[] = [];
    const error = (_fields: object, message: string): void => void messages.push(message);
    const log = new ErrorLog({ ...silentLogger, error }, new FakeClock());
    for (let at = 0; at < 25; at++) log.write(new Error('again'), { at }, 'a handler failed');
    log.write(new Error('once'), {}, 'a value can not be read');
    expect(messages.filter((message) => message === 'a handler failed')).toHaveLength(10);
    expect(messages.at(-1)).toBe('a value can not be read');
  });
});
