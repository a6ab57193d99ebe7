import { describe, expect, it } from 'vitest';
import { Progress } from '../test/harness/progress.ts';

describe('the progress of long work', () => {
  function told(wanted: number): { at: (ms: number, done: number, more?: string) => void; lines: string[] } {
    let now = 0;
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const progress = new Progress({ what: '3.4 F-22', wanted, unit: 'cycles', now: () => now, say });
    return {
      lines,
      at(ms, done, more) {
        now = ms;
        progress.at(done, more);
      },
    };
  }

  it('says how much is done and how long the rest takes at that rate, every ten seconds at most', () => {
    const { at, lines } = told(1000);
    at(9_999, 5);
    at(10_000, 10, '9 held');
    at(19_000, 19);
    at(20_000, 200);
    at(30_500, 500);
    expect(lines).toEqual([
      '3.4 F-22: 10 of 1000 cycles, 9 held, 17 min to go',
      '3.4 F-22: 200 of 1000 cycles, 80 s to go',
      '3.4 F-22: 500 of 1000 cycles, 31 s to go',
    ]);
  });

  it('says nothing of what has not begun, and nothing of what is over', () => {
    const { at, lines } = told(3);
    at(60_000, 0);
    at(120_000, 3);
    expect(lines).toEqual([]);
    at(180_000, 1);
    expect(lines).toEqual(['3.4 F-22: 1 of 3 cycles, 6 min to go']);
  });

  it('says hours where they are many', () => {
    const { at, lines } = told(1_000_000);
    at(3_600_000, 250_000);
    expect(lines).toEqual(['3.4 F-22: 250000 of 1000000 cycles, 3.0 h to go']);
  });
});
