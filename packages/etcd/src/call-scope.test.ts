import { onTestFinished, expect, it } from 'vitest';
import { FakeClock, settle } from '../../setpoint/src/internal/fake-clock.ts';
import { CallScope } from './call-scope.ts';

it('F-29: any number of calls under one signal draws no warning of a leak', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  const [clock, closing, caller] = [new FakeClock(), new AbortController(), new AbortController()];
  const scopes = Array.from({ length: 50 }, () => new CallScope(clock, 5000, closing.signal, caller.signal));
  await settle();
  expect(warnings).toEqual([]);
  caller.abort();
  expect(scopes.every(({ stopped }) => stopped)).toBe(true);
  scopes.forEach((scope) => scope.end());
});
