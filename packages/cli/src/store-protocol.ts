import { type ErrorCode, isSetpointError, SetpointError } from 'setpoint';
import type { CallOptions, Store } from 'setpoint/store';

/** What may be asked of a store over a loopback port: each is a POST of its arguments to `/v1/<name>`. */
export const CALLS = [
  'range',
  'put',
  'delete',
  'txn',
  'compact',
  'leaseGrant',
  'leaseKeepAlive',
  'leaseRevoke',
  'leaseTimeToLive',
  'leases',
  'status',
  'members',
  'alarms',
  'disarm',
] as const satisfies readonly (keyof Store)[];

export type Call = (typeof CALLS)[number];

/** Calls that change something: without an answer their outcome is unknown. */
export const WRITES: readonly Call[] = ['put', 'delete', 'txn', 'compact', 'leaseGrant', 'leaseRevoke', 'disarm'];

/** What a signal can't be sent as. */
export type SentOptions = Omit<CallOptions, 'signal'> & { readonly keys?: boolean };

/** An error as it travels. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: object;
}

export function errorToSend(error: unknown): SentError {
  if (isSetpointError(error)) return { code: error.code, message: error.message, details: error.details };
  return { code: 'Internal', message: error instanceof Error ? error.message : String(error), details: {} };
}

export function errorSent({ code, message, details }: SentError): SetpointError {
  // Constructing it puts the code in front again.
  return new SetpointError(code, message.replace(`${code}: `, ''), { details });
}
