import { createHash } from 'node:crypto';

/** Eight characters that are the same for equal templates and, as far as one can tell, for no others. */
export function templateHash(template: object): string {
  return createHash('sha256').update(JSON.stringify(template, inKeyOrder)).digest('hex').slice(0, 8);
}

/** The order in which a person wrote the fields down must not count as a new version. */
function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
