/**
 * A mistake of the person at the keyboard, or a refusal: printed as it is, without a stack, and the exit code is 1. What a
 * kind's own functions throw for the same purpose.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
