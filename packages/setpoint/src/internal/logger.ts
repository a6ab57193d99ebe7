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

/** What {@link steadyLogger} made, and what needs none of it. */
const steady = new WeakSet<Logger>([silentLogger]);

/**
 * What all of setpoint logs by: the user's logger, which can't harm. One that throws, or whose promise is rejected, breaks
 * no watch, no reconcile and no stop; its line is lost, and a warning of the process says so once. Without a logger it is
 * {@link silentLogger}.
 */
export function steadyLogger(logger: Logger = silentLogger): Logger {
  if (steady.has(logger)) return logger;
  let told = false;
  return guarded(logger, (error) => {
    if (told) return;
    told = true;
    const what = error instanceof Error ? error.name : typeof error;
    process.emitWarning(`a logger that was given to setpoint throws (${what}): its lines are lost`, 'SetpointWarning');
  });
}

function guarded(logger: Logger, onFailure: (error: unknown) => void): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    try {
      const said: unknown = logger[level](fields, message);
      if (said instanceof Promise) said.catch(onFailure);
    } catch (error) {
      onFailure(error);
    }
  };
  const own: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child(fields) {
      try {
        return guarded(logger.child(fields), onFailure);
      } catch (error) {
        onFailure(error);
        return own;
      }
    },
  };
  steady.add(own);
  return own;
}
