import { type ErrorCode, SetpointError } from 'setpoint';
import { MalformedMessage } from './protobuf/index.ts';

/**
 * What an error of a call says about the call:
 *
 * - `unsent`: the member did not take the request. Another may, or the same one a little later.
 * - `token`: the member wants a fresh token, and did not take the request.
 * - `lost`: the request was sent and what became of it is not known.
 * - `verdict`: the server decided: nothing was applied, and asking again gives the same.
 * - `partial`: the server complains and may have applied the request all the same.
 */
export type Failure =
  | { readonly kind: 'unsent'; readonly code: 'Unavailable' | 'NotEtcd' | 'TooManyRequests'; readonly text: string }
  | { readonly kind: 'token' | 'lost'; readonly text: string }
  | { readonly kind: 'verdict' | 'partial'; readonly code: ErrorCode; readonly text: string };

/** gRPC's status numbers that matter here. */
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

const NOSPACE_ADVICE =
  'the space quota is used up (NOSPACE): compact, defragment and disarm the alarm, or raise --quota-backend-bytes';

/** etcd's own words, matched within the status text; the first that fits counts. */
const ETCD_ERRORS: readonly (readonly [RegExp, Failure['kind'], ErrorCode])[] = [
  [/required revision has been compacted/, 'verdict', 'Compacted'],
  [/required revision is a future revision/, 'verdict', 'FutureRevision'],
  [/database space exceeded/, 'partial', 'NoSpace'],
  [/lease not found/, 'verdict', 'LeaseNotFound'],
  [/etcdserver: key not found/, 'verdict', 'NotFound'],
  [/lease already exists/, 'verdict', 'LeaseExists'],
  [/too many operations in txn/, 'verdict', 'TooManyOperations'],
  [/request is too large|grpc: received message larger than max/, 'verdict', 'TooLarge'],
  // The client's own limit on answers: by then the server had acted.
  [/^Received message larger than max/, 'partial', 'TooLarge'],
  [/too many requests/, 'unsent', 'TooManyRequests'],
  [/permission denied/, 'verdict', 'PermissionDenied'],
  [/invalid auth token|revision of auth store is old|user name is empty/, 'token', 'Unauthenticated'],
  [/authentication failed|auth: /, 'verdict', 'Unauthenticated'],
  [/(?:no|not) leader|not capable|not supported for learner|unhealthy cluster/, 'unsent', 'Unavailable'],
  [/corrupt cluster|CORRUPT/, 'verdict', 'Unavailable'],
  [/duplicate key|key is not provided|(?:value|lease) is provided|too large lease TTL/, 'verdict', 'Invalid'],
];

/** What gRPC's client says when no connection took the request, and what HTTP/2 says of one that was not processed. */
const NOT_SENT =
  /^(?:No connection established|Name resolution failed|Failed to start HTTP\/2 stream|Channel (?:has been|closed before)|Stream refused by server)/;
/** What it says of a peer that does not speak gRPC. */
const NOT_ETCD = /HTTP status code: (?:200|3\d\d|4(?!29)\d\d)|Protocol error|Expected HTTP\/|ERR_HTTP2_ERROR/;

/** Reads what a rejected call means. */
export function classify(error: unknown): Failure {
  const { code, details } = statusOf(error);
  const text = readable(details);
  if (error instanceof MalformedMessage)
    return { kind: 'partial', code: 'NotEtcd', text: `its answer can't be read: ${text}` };
  if (NOT_SENT.test(details)) return { kind: 'unsent', code: NOT_ETCD.test(details) ? 'NotEtcd' : 'Unavailable', text };
  for (const [pattern, kind, verdict] of ETCD_ERRORS) {
    if (!pattern.test(details)) continue;
    return { kind, code: verdict, text } as Failure;
  }
  if (code === UNIMPLEMENTED) return { kind: 'unsent', code: 'NotEtcd', text };
  if (code === UNAUTHENTICATED) return { kind: 'token', text };
  if (code === PERMISSION_DENIED) return { kind: 'verdict', code: 'PermissionDenied', text };
  if (code === INVALID_ARGUMENT) return { kind: 'verdict', code: 'Invalid', text };
  return { kind: 'lost', text };
}

/** Whether a failed first contact shows that no etcd listens there. */
export function saysNotEtcd(error: unknown): boolean {
  const { code, details } = statusOf(error);
  // Something that is no answer was read as one, of a length that no first answer has.
  return code === UNIMPLEMENTED || NOT_ETCD.test(details) || /Received message larger than max/.test(details);
}

/** Whether a failed first contact shows that one side does not accept the other's certificate. */
export function saysUntrusted(error: unknown): boolean {
  return /certificate|altnames|unknown ca\b/i.test(statusOf(error).details);
}

/** The error's text for a person: without gRPC's wrapping. */
export function textOf(error: unknown): string {
  return readable(statusOf(error).details);
}

/** What a call was, for its errors. */
export interface CallSubject {
  /** The operation and, where it has one, the key that it is about: `put "/app/a"`. */
  readonly what: string;
  readonly key?: string | undefined;
  readonly endpoint?: string | undefined;
}

/** A server's decision as an error. A write that may have been applied all the same is `OutcomeUnknown`. */
export function verdictError(
  failure: Failure & { code: ErrorCode },
  subject: CallSubject,
  write: boolean,
  cause: unknown,
): SetpointError {
  const advice = failure.code === 'NoSpace' ? NOSPACE_ADVICE : failure.text;
  const verdict = subjectError(failure.code, advice, subject, cause);
  if (failure.kind !== 'partial' || !write) return verdict;
  return subjectError(
    'OutcomeUnknown',
    `${advice}; etcd may have applied it all the same: read before deciding`,
    subject,
    verdict,
  );
}

/** A write that was sent and not answered. */
export function outcomeUnknown(why: string, subject: CallSubject, cause?: unknown): SetpointError {
  return subjectError(
    'OutcomeUnknown',
    `${why}; it may or may not have been applied: read before deciding`,
    subject,
    cause,
  );
}

/** An error that names the call and the endpoint. */
export function subjectError(code: ErrorCode, text: string, subject: CallSubject, cause?: unknown): SetpointError {
  const at = subject.endpoint === undefined ? '' : ` at ${subject.endpoint}`;
  return new SetpointError(code, `${subject.what}${at}: ${text}`, {
    cause,
    details: {
      ...(subject.key === undefined ? {} : { key: subject.key }),
      ...(subject.endpoint === undefined ? {} : { endpoint: subject.endpoint }),
    },
  });
}

function statusOf(error: unknown): { readonly code: number | undefined; readonly details: string } {
  const { code, details, message } = (error ?? {}) as { code?: unknown; details?: unknown; message?: unknown };
  return {
    code: typeof code === 'number' ? code : undefined,
    details: String(typeof details === 'string' && details !== '' ? details : (message ?? error)),
  };
}

function readable(details: string): string {
  return details
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\.? ?Resolution note: .*$/s, '')
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '')
    .replace(/^rpc error: code = \w+ desc = /, '')
    .replace(/^etcdserver: /, '')
    .trim();
}
