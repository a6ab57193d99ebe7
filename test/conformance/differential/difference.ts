import type { Revision } from 'setpoint/store';
import type { Asked } from './call.ts';

/** The two stores disagree. The message is the sequence up to there, then what each store said. */
export class Difference extends Error {
  constructor(where: string, said: { readonly memory: unknown; readonly etcd: unknown }, sequence: Sequence) {
    const line = (asked: Asked, index: number): string =>
      `${String(index + 1).padStart(4)}  ${show(asked, sequence.base)}`;
    super(
      [
        'a store that is empty at revision R is asked:',
        ...sequence.asked.map(line),
        `they differ in ${where}:`,
        `  memoryStore  ${show(said.memory, sequence.base)}`,
        `  etcd         ${show(said.etcd, sequence.base)}`,
      ].join('\n'),
    );
    this.name = 'Difference';
  }
}

interface Sequence {
  readonly base: Revision;
  readonly asked: readonly Asked[];
}

/** The machine was so slow that leases ran out before they were waited for; nothing can be said. */
export class TooSlow extends Error {}

/** The connection was lost or nobody answered in time, which says nothing of the stores unless it happens every time. */
export class NoAnswer extends TooSlow {
  readonly difference: Difference;

  constructor(difference: Difference) {
    super('etcd gave no answer', { cause: difference });
    this.difference = difference;
  }
}

const REVISIONS = new Set([
  'revision',
  'startRevision',
  'minModRevision',
  'maxModRevision',
  'minCreateRevision',
  'maxCreateRevision',
  'createRevision',
  'modRevision',
  'compact',
  'operand',
]);

/** A value as a person reads it: bytes as text, revisions counted from the base R. */
export function show(value: unknown, base: Revision): string {
  const shown = (part: unknown, name: string): string => {
    if (typeof part === 'bigint') return part >= base && REVISIONS.has(name) ? `R+${part - base}` : `${part}n`;
    if (part instanceof Uint8Array) return JSON.stringify(Buffer.from(part).toString('latin1'));
    if (Array.isArray(part))
      return part.length > 40 ? `[${part.length} items]` : `[${part.map((item) => shown(item, name)).join(', ')}]`;
    if (typeof part === 'string' && part.length > 100) return `a string of ${part.length}`;
    if (part instanceof Error) return part.message;
    if (typeof part !== 'object' || part === null) return JSON.stringify(part) ?? String(part);
    const fields = Object.entries(part).map(([field, inner]) => `${field}: ${shown(inner, field)}`);
    return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{}';
  };
  return shown(value, '');
}
