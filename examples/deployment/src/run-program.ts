import { ManifestError } from '@setpoint/cli';
import { SetupError } from './open-store.ts';

/**
 * Runs a program's main function, or prints `usage` when its user asks for `--help`. What its user can mend ends it with
 * exit code 2 and a message, no stack trace.
 */
export function runProgram(usage: string, main: () => Promise<number | void>): void {
  if (process.argv.includes('--help')) return console.log(usage);
  main().then(
    (code) => (process.exitCode = code ?? 0),
    (error: unknown) => {
      console.error(isForTheUser(error) ? messageOf(error) : error);
      process.exitCode = isForTheUser(error) ? 2 : 1;
    },
  );
}

/** Of what can't be read on the command line, in one line. */
function messageOf(error: Error): string {
  return isOfCommandLine(error) ? `${error.message.split(/\. |\n/)[0]}; --help tells what there is` : error.message;
}

function isForTheUser(error: unknown): error is Error {
  if (error instanceof SetupError || error instanceof ManifestError) return true;
  return (error as NodeJS.ErrnoException).code === 'ENOENT' || isOfCommandLine(error);
}

function isOfCommandLine(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') ?? false;
}
