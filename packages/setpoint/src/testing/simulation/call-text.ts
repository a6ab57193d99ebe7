import { SetpointError } from '../../errors/index.ts';
import { keysIn } from '../intercept-store.ts';
import type { Call, CallName } from './process.ts';

const WRITES: readonly CallName[] = ['put', 'delete', 'txn', 'compact', 'leaseGrant', 'leaseRevoke', 'external'];

export const isWrite = ({ name }: Call): boolean => WRITES.includes(name);

/** The library's own frames come first, and are many. */
export function deepStack(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  return stack;
}

export function lostReply(call: Call): SetpointError {
  const code = isWrite(call) ? 'OutcomeUnknown' : 'DeadlineExceeded';
  return new SetpointError(code, 'the simulation lost the reply of this call');
}

export function firstKey({ request }: Call): string {
  return keysIn(request)[0] ?? '';
}

export function describe(call: Call): string {
  const { name, request } = call;
  const verb = name === 'range' ? 'reads' : name === 'external' ? 'calls' : isWrite(call) ? `writes (${name})` : name;
  return `${verb} ${keysIn(request).slice(0, 2).join(', ')}`;
}

export function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : error === undefined ? 'it returned' : JSON.stringify(error);
  return text.length > 140 ? `${text.slice(0, 140)}…` : text;
}
