/** One way to break our own runtime: a change of the text of one of its compiled files. */
export interface Mutant {
  readonly number: number | string;
  readonly title: string;
  /** Below `packages/setpoint/src`, without the ending. */
  readonly file: string;
  /** Each text must be there, once: a mutation that no longer meets its source would prove nothing. */
  readonly changes: readonly (readonly [find: string, replace: string])[];
  /** What is run on it: the name of a subject of the arena. */
  readonly subject: string;
}

/** The text of the mutant's file as the mutant has it. Throws when the source is not what the mutant was written for. */
export function mutated(source: string, { number, title, file, changes }: Mutant): string {
  return changes.reduce((text, [find, replace]) => {
    const parts = text.split(find);
    if (parts.length === 2) return parts.join(replace);
    const count = parts.length - 1;
    throw new Error(`mutant ${number} (${title}): '${find}' is ${count} times in ${file}, not once. Write it anew`);
  }, source);
}
