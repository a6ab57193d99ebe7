import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../setpoint/src/internal/fake-clock.ts';
import { SilenceGuard } from './silence-guard.ts';

function guarded(): { clock: FakeClock; guard: SilenceGuard; alarms: () => number } {
  const clock = new FakeClock();
  let alarms = 0;
  const guard = new SilenceGuard(clock, () => alarms++);
  return { clock, guard, alarms: () => alarms };
}

describe('SilenceGuard', () => {
  it('F-55: calls when nothing was heard for the limit, once', async () => {
    const { clock, guard, alarms } = guarded();
    guard.start(1000);
    await clock.advance(999);
    expect(alarms()).toBe(0);
    await clock.advance(10_000);
    expect(alarms()).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts from the last thing heard', async () => {
    const { clock, guard, alarms } = guarded();
    guard.start(1000);
    for (let round = 0; round < 5; round++) {
      await clock.advance(900);
      guard.heard();
      guard.listening();
    }
    expect(alarms()).toBe(0);
    await clock.advance(1000);
    expect(alarms()).toBe(1);
  });

  it('does not take a slow reader for a silent server', async () => {
    const { clock, guard, alarms } = guarded();
    guard.start(1000);
    guard.heard();
    await clock.advance(60_000);
    expect(alarms()).toBe(0);
    guard.listening();
    await clock.advance(1999);
    expect(alarms()).toBe(1);
  });

  it('sets no timer for a limit of 0, and leaves none when it stops', async () => {
    const { clock, guard } = guarded();
    guard.start(0);
    expect(clock.pendingTimers).toBe(0);
    guard.start(1000);
    guard.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
