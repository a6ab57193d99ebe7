import type { HealthCheck } from './runnable.ts';

/** What came of one check. */
export interface CheckResult {
  readonly name: string;
  readonly failed: boolean;
  /** Why it failed, or what somebody should look at although it didn't. */
  readonly message: string | undefined;
}

export function runCheck(name: string, check: HealthCheck): CheckResult {
  try {
    return { name, failed: false, message: check() ?? undefined };
  } catch (error) {
    return { name, failed: true, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Several checks as one: throws with all that failed, or returns what the others say. */
export function checkAll(checks: readonly (readonly [name: string, check: HealthCheck])[]): string | undefined {
  const results = checks.map(([name, check]) => runCheck(name, check));
  const told = (which: readonly CheckResult[]): string =>
    which.flatMap(({ name, message }) => (message === undefined ? [] : [`${name}: ${message}`])).join('; ');
  const failed = results.filter((result) => result.failed);
  if (failed.length > 0) throw new Error(told(failed));
  return told(results) || undefined;
}
