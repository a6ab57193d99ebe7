/** Every code with whether the same call may succeed when it is simply made again. */
const RETRYABLE = {
  /** A precondition did not hold: known not applied. Read again before deciding again. */
  Conflict: false,
  AlreadyExists: false,
  NotFound: false,
  /** The asked revision is older than the store's history; `revision` is the compaction revision. */
  Compacted: false,
  /** The asked revision has not happened yet. */
  FutureRevision: false,
  /** A watch would need longer to catch up than a new list takes; `revision` is the store's present one. */
  FarBehind: false,
  /** The request was sent and no answer came: it may or may not have been applied. Resolve by reading. */
  OutcomeUnknown: false,
  /** No endpoint answered, and nothing was sent that could have been applied. */
  Unavailable: true,
  /** Every endpoint's certificate was refused, or ours by it: nothing was sent. */
  Untrusted: true,
  /** Every endpoint is a learner, which serves nobody until it is promoted. */
  Learner: true,
  /** A read was not answered in time. (A write in this state is `OutcomeUnknown`.) */
  DeadlineExceeded: true,
  /** A key, value or request is over the store's limit. */
  TooLarge: false,
  /** A transaction has more operations than the store takes. */
  TooManyOperations: false,
  /** The store is out of its space quota. */
  NoSpace: false,
  /** The server asks for less load: known not applied. */
  TooManyRequests: true,
  PermissionDenied: false,
  /** An admission hook of the client refused the write: nothing was sent. */
  Denied: false,
  Unauthenticated: false,
  /** An endpoint belongs to another cluster than the one that was talked to before. */
  ClusterMismatch: false,
  /** The store's history is not the one that was read before: a backup was restored, or the data wiped. */
  HistoryReset: false,
  /** What answers at the endpoint does not speak etcd's protocol. */
  NotEtcd: false,
  /** The server's version has a defect that makes this call unsafe. */
  Unsupported: false,
  LeaseNotFound: false,
  LeaseExists: false,
  /** The holder's guard no longer holds: it must stop, another may own the work now. */
  LockLost: false,
  /** A session's lease is gone, or its time is up: everything that it held is lost. Open a new one. */
  SessionExpired: false,
  /** The handle was closed, or its attempt is over. Nothing was sent. */
  Closed: false,
  /** The caller's signal aborted. */
  Aborted: false,
  /** A limit of time that the caller set has passed. */
  Timeout: false,
  /** Bad input: the message says where, what was expected and what came. */
  Invalid: false,
  /** A reconcile failed in a way that trying again can't mend. */
  Terminal: false,
  /** A simulated schedule broke a law, or the simulation showed nothing: the message says which. */
  SimulationFailed: false,
  /** A broken invariant of setpoint itself. Please report it. */
  Internal: false,
} as const;

export type ErrorCode = keyof typeof RETRYABLE;

/** All codes, in the order of `docs/errors.md`. */
export const errorCodes = Object.keys(RETRYABLE) as readonly ErrorCode[];

/** What a caller can act on beyond the code. Absent where it doesn't apply. */
export interface ErrorDetails {
  /** The key that the call was about. */
  readonly key?: string;
  /** The endpoint that answered, or did not. */
  readonly endpoint?: string;
  /** A revision that matters: for `Compacted` the first that is still readable is the one after it. */
  readonly revision?: bigint;
  /** A field's path, such as `spec.replicas`. */
  readonly path?: string;
  /** The size or count that was refused, and the limit it broke. */
  readonly size?: number;
  readonly limit?: number;
  /** For a list whose continue token is too old: a token that goes on at the same place, at the present revision. */
  readonly continue?: string;
  /** How long to wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

const BRAND: unique symbol = Symbol.for('setpoint.error') as never;

/** The one error class. Recognise it with {@link isSetpointError}, not `instanceof`: two copies of the package agree. */
export class SetpointError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: ErrorDetails } = {},
  ) {
    super(`${code}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SetpointError';
    this.code = code;
    this.retryable = RETRYABLE[code];
    this.details = options.details ?? {};
  }
}

/** Whether `error` is setpoint's, and, when a code is given, of that code. Never throws, whatever was thrown. */
export function isSetpointError(error: unknown, code?: ErrorCode): error is SetpointError {
  if (typeof error !== 'object' || error === null) return false;
  try {
    return BRAND in error && (code === undefined || (error as SetpointError).code === code);
  } catch {
    return false; // a proxy that lets nobody look
  }
}
