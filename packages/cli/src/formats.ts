import { stringify } from 'yaml';
import { CommandError } from './command-error.ts';

const FORMATS = ['', 'wide', 'yaml', 'json', 'name'] as const;

/** How objects are printed; '' is the plain table. */
export type Format = (typeof FORMATS)[number];

export function formatOf(written: string | undefined): Format {
  const format = FORMATS.find((each) => each === (written ?? ''));
  if (format !== undefined) return format;
  throw new CommandError(
    `error: unable to match a printer suitable for the output format "${written}", allowed formats are: json,name,wide,yaml`,
  );
}

export function asJson(value: unknown): string {
  return JSON.stringify(value, undefined, 4);
}

export function asYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
