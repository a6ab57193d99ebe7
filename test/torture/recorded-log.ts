import type { Logger } from 'setpoint/internal';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps every line, with the fields that its logger was made with. */
export class RecordedLog implements Logger {
  readonly lines: Line[];
  readonly #bound: object;

  constructor(lines: Line[] = [], bound: object = {}) {
    this.lines = lines;
    this.#bound = bound;
  }

  debug(fields: object, message: string): void {
    this.#keep('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#keep('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message);
  }

  child(fields: object): Logger {
    return new RecordedLog(this.lines, { ...this.#bound, ...fields });
  }

  count(part: string): number {
    return this.lines.filter(({ message }) => message.includes(part)).length;
  }

  #keep(level: string, fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#bound, ...fields } });
  }
}
