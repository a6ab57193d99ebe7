/**
 * The part of pino's interface that setpoint uses: fields first, then the sentence. A pino logger passes straight in.
 * Object values and secrets are never logged, only keys, revisions and codes.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
}

/** Says nothing. The default, so that a library never writes to a terminal that it wasn't given. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
