import type { Command } from 'commander';
import { needs, readObject } from './arguments.ts';
import { objectName } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { readObjects } from './get.ts';
import type { GlobalOptions, Session } from './session.ts';

interface ScaleOptions extends GlobalOptions {
  readonly replicas?: string;
  readonly currentReplicas?: string;
}

export function addScale(program: Command, session: Session): void {
  program
    .command('scale')
    .description('set how many replicas there are to be')
    .argument('<object...>', 'such as deploy/web')
    .option('--replicas <count>', 'how many')
    .option('--current-replicas <count>', 'only if there are so many now')
    .action(async (words: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ScaleOptions>();
      const { kind, name } = readObject(session.kinds, words);
      const scale = needs(kind.scale, kind, 'scale');
      const replicas = countOf('--replicas', options.replicas ?? '');
      await session.connected(options, async (connection) => {
        const [object] = await readObjects(connection, kind, [name], {});
        await connection.client.resource(kind.resource).modify(object!, (current) => {
          const { currentReplicas } = options;
          const there = scale.replicas(current);
          if (currentReplicas !== undefined && there !== countOf('--current-replicas', currentReplicas)) {
            throw new CommandError(`error: Expected replicas to be ${currentReplicas}, was ${there}`);
          }
          return { ...current, spec: scale.to(current, replicas) };
        });
        session.terminal.out(`${objectName(kind.resource, name)} scaled`);
      });
    });
}

function countOf(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError(
    `error: ${option}: expected a whole number of at least 0, got ${text === '' ? 'nothing' : `"${text}"`}`,
  );
}
