import { ManifestError } from '@setpoint/cli';
import { SetupError } from './open-store.ts';

/** Runs a program's main function. What its user can mend ends it with exit code 2 and a message, no stack trace. */
export function runProgram(main: () => Promise<number | void>): void {
  main().then(
    (code) => (process.exitCode = code ?? 0),
    (error: unknown) => {
      console.error(isForTheUser(error) ? error.message : error);
      process.exitCode = isForTheUser(error) ? 2 : 1;
    },
  );
}

function isForTheUser(error: unknown): error is Error {
  if (error instanceof SetupError || error instanceof ManifestError) return true;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || (code?.startsWith('ERR_PARSE_ARGS') ?? false);
}
