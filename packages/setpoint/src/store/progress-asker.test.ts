import { describe, expect, it } from 'vitest';
import { FakeClock } from '../internal/fake-clock.ts';
import { deferred } from '../internal/deferred.ts';
import { ProgressAsker } from './progress-asker.ts';

function asking() {
  const clock = new FakeClock();
  const asked: number[] = [];
  return { clock, asked, asker: new ProgressAsker(clock, () => asked.push(clock.now())) };
}

describe('ProgressAsker', () => {
  it('I-90: asks soon, then every 100 ms, for as long as somebody waits', async () => {
    const { clock, asked, asker } = asking();
    const [first, second] = [deferred(), deferred()];
    const waits = [asker.during(first.promise), asker.during(second.promise)];
    await clock.advance(250);
    expect(asked).toEqual([10, 110, 210]);
    first.resolve();
    await clock.advance(100);
    expect(asked).toEqual([10, 110, 210, 310]);
    second.resolve();
    await Promise.all(waits);
    await clock.advance(1000);
    expect(asked).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks nothing for what comes by itself', async () => {
    const { clock, asked, asker } = asking();
    const wait = deferred();
    const waiting = asker.during(wait.promise);
    await clock.advance(5);
    wait.resolve();
    await waiting;
    await clock.advance(1000);
    expect(asked).toEqual([]);
  });

  it('stops asking when the wait fails, and passes the failure on', async () => {
    const { clock, asked, asker } = asking();
    const wait = deferred();
    const waiting = expect(asker.during(wait.promise)).rejects.toThrow('late');
    await clock.advance(10);
    wait.reject(new Error('late'));
    await waiting;
    await clock.advance(1000);
    expect(asked).toEqual([10]);
    expect(clock.pendingTimers).toBe(0);
  });
});
