import { type ErrorCode, isSetpointError } from '../errors/index.ts';

/** How a reflector goes on after a failed list page or watch. */
export interface Recovery {
  /**
   * `resume`: the same page or the watch from the same revision. `list`: everything again. `rebuild`: everything
   * again, believing nothing that was read before. `give-up`: the store is closed.
   */
  readonly next: 'resume' | 'list' | 'rebuild' | 'give-up';
  /**
   * `at-once`, unless the attempt before ended that way too; `back-off`; `slowly` for what only a person can mend:
   * it is asked again all the same, because some day somebody does.
   */
  readonly when: 'at-once' | 'back-off' | 'slowly';
}

const RECOVERIES: Partial<Record<ErrorCode, Recovery>> = {
  Compacted: { next: 'list', when: 'at-once' },
  FarBehind: { next: 'list', when: 'at-once' },
  // A page was asked for at a revision that was there a moment ago.
  FutureRevision: { next: 'rebuild', when: 'at-once' },
  HistoryReset: { next: 'rebuild', when: 'at-once' },
  Unavailable: { next: 'resume', when: 'back-off' },
  Untrusted: { next: 'resume', when: 'slowly' },
  Learner: { next: 'resume', when: 'back-off' },
  DeadlineExceeded: { next: 'resume', when: 'back-off' },
  TooManyRequests: { next: 'resume', when: 'back-off' },
  TooLarge: { next: 'resume', when: 'at-once' },
  PermissionDenied: { next: 'resume', when: 'slowly' },
  Unauthenticated: { next: 'resume', when: 'slowly' },
  ClusterMismatch: { next: 'resume', when: 'slowly' },
  NotEtcd: { next: 'resume', when: 'slowly' },
  Unsupported: { next: 'resume', when: 'slowly' },
  Invalid: { next: 'resume', when: 'slowly' },
  Closed: { next: 'give-up', when: 'at-once' },
};

/** Something unforeseen, in the store or here: what is cached may be incomplete, so list again. */
export const UNFORESEEN: Recovery = { next: 'list', when: 'back-off' };

export function recoveryFrom(error: unknown): Recovery {
  return (isSetpointError(error) && RECOVERIES[error.code]) || UNFORESEEN;
}

/** Whether the answer to a list page was too much, in bytes or time, so that a smaller one is worth asking for. */
export function wantsSmallerPage(error: unknown): boolean {
  return isSetpointError(error, 'TooLarge') || isSetpointError(error, 'DeadlineExceeded');
}
