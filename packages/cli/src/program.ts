import { Command, CommanderError } from 'commander';
import { isSetpointError, systemClock } from 'setpoint';
import { addApply } from './apply.ts';
import type { CliKind } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { DEFAULT_SERVER, withConnection } from './connection.ts';
import { addDelete } from './delete.ts';
import { addDescribe } from './describe.ts';
import { addEvents, eventKind } from './events.ts';
import { addGet } from './get.ts';
import { addLogs } from './logs.ts';
import { ManifestError } from './manifests.ts';
import { addRollout } from './rollout.ts';
import { addScale } from './scale.ts';
import type { Session, Terminal } from './session.ts';

export interface CliOptions {
  /** What the program is called in its own help. */
  readonly name: string;
  readonly kinds: readonly CliKind[];
  /** Default: this process's. */
  readonly terminal?: Terminal;
  /** Default `/registry`. */
  readonly prefix?: string;
  /** Ends commands that go on, such as `get -w`. */
  readonly signal?: AbortSignal;
  readonly clock?: Session['clock'];
}

const own: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
  write: (text) => void process.stdout.write(text),
  isTTY: process.stdout.isTTY,
};

/** Runs one command line, such as `process.argv.slice(2)`. Resolves with the exit code, whatever happens. */
export async function runCli(options: CliOptions, words: readonly string[]): Promise<number> {
  const terminal = options.terminal ?? own;
  const session: Session = {
    name: options.name,
    kinds: [...options.kinds, eventKind],
    terminal,
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
    connected: withConnection,
  };
  const program = createProgram(session, options.prefix ?? '/registry');
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (session.signal.aborted) return 130;
    terminal.error(messageOf(error));
    return 1;
  }
}

function createProgram(session: Session, prefix: string): Command {
  const program = new Command(session.name)
    .description('reads and changes objects, with the words of kubectl')
    .option('--endpoints <list>', 'the etcd that they are in (default: ETCD_ENDPOINTS)')
    .option('--server <url>', `the program that serves its store (default: SETPOINT_SERVER, or ${DEFAULT_SERVER})`)
    .option('--prefix <prefix>', 'what their keys start with', prefix)
    .option('-n, --namespace <name>', 'the namespace', 'default')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => session.terminal.out(text.trimEnd()),
      writeErr: (text) => session.terminal.error(text.trimEnd()),
    });
  for (const add of [addGet, addDescribe, addApply, addDelete, addScale, addRollout, addLogs, addEvents]) {
    add(program, session);
  }
  return program;
}

function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof ManifestError) return error.message;
  if (isSetpointError(error))
    return `Error from server (${error.code}): ${error.message.replace(`${error.code}: `, '')}`;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return `error: the path "${(error as NodeJS.ErrnoException).path}" does not exist`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
