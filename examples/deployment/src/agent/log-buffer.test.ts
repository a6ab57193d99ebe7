import { expect, it } from 'vitest';
import { LogBuffer } from './log-buffer.ts';

it('makes lines of pieces, tells followers of whole ones, and gives the last ones', () => {
  const logs = new LogBuffer();
  const told: string[] = [];
  const stop = logs.follow((line) => told.push(line));
  logs.add('a\nb');
  logs.add('c\n');
  expect(told).toEqual(['a', 'bc']);
  stop();
  logs.add('unfinished');
  expect(logs.lines()).toEqual(['a', 'bc']);
  logs.end();
  expect(logs.lines()).toEqual(['a', 'bc', 'unfinished']);
  expect(logs.lines(1)).toEqual(['unfinished']);
  expect(logs.lines(0)).toEqual([]);
  expect(logs.ended.aborted).toBe(true);
});

it('keeps a thousand lines', () => {
  const logs = new LogBuffer();
  for (let i = 0; i < 1_500; i++) logs.add(`${i}\n`);
  expect(logs.lines()).toHaveLength(1_000);
  expect(logs.lines()[0]).toBe('500');
});

it('cuts a line that never ends, so that it does not fill the memory', () => {
  const logs = new LogBuffer();
  for (let i = 0; i < 64; i++) logs.add('x'.repeat(1024));
  expect(logs.lines().length).toBeGreaterThan(2);
  logs.end();
  expect(logs.lines().join('')).toBe('x'.repeat(64 * 1024));
  expect(Math.max(...logs.lines().map(({ length }) => length))).toBeLessThanOrEqual(16 * 1024);
});
