import type { Command } from 'commander';
import { needs, readObject, readTargets } from './arguments.ts';
import { CommandError } from './command-error.ts';
import { readObjects } from './get.ts';
import type { GlobalOptions, Session } from './session.ts';

interface LogsOptions extends GlobalOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly tail?: string;
}

export function addLogs(program: Command, session: Session): void {
  program
    .command('logs')
    .description('print what an object has said')
    .argument('<object...>', 'such as proc/web-0, or just its name')
    .option('-f, --follow', 'go on, and print each new line', false)
    .option('-p, --previous', 'of the run before the present one', false)
    .option('--tail <lines>', 'only the last so many lines')
    .action(async (words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<LogsOptions>();
      const { kind, name } = targetOf(session, words);
      const logs = needs(kind.logs, kind, 'logs');
      if (options.tail !== undefined && !/^\d+$/.test(options.tail)) {
        throw new CommandError(`error: --tail: expected a number of lines, got "${options.tail}"`);
      }
      const { follow, previous, tail } = options;
      await session.connected(options, async (connection) => {
        const [object] = await readObjects(connection, kind, [name], {});
        const wanted = {
          follow,
          previous,
          tail: tail === undefined ? undefined : Number(tail),
          signal: session.signal,
        };
        for await (const line of logs(object!, connection.client, wanted)) session.terminal.out(line);
      });
    });
}

/** A bare name is one of the first kind that has logs, as a pod is for kubectl. */
function targetOf(session: Session, words: readonly string[]) {
  const speaking = session.kinds.find(({ logs }) => logs !== undefined);
  const [only = ''] = words;
  if (words.length === 1 && !only.includes('/') && speaking) return { kind: speaking, name: only };
  readTargets(session.kinds, words);
  return readObject(session.kinds, words);
}
