/**
 * # Errors
 *
 * One class, told apart by `code`. Retrying code asks `retryable`, never the message. A message says what failed,
 * where, and what to do next; it never holds a value or a secret.
 *
 * ```ts
 * try {
 *   await client.update(website);
 * } catch (error) {
 *   if (!isSetpointError(error, 'Conflict')) throw error;
 *   // somebody else wrote it first: read again, decide again
 * }
 * ```
 *
 * Every code is explained in `docs/errors.md`; a test keeps the two in step.
 *
 * Next: `setpoint-error.ts`
 */
export { type ErrorCode, type ErrorDetails, errorCodes, isSetpointError, SetpointError } from './setpoint-error.ts';
