import type { Command } from 'commander';
import { objectName } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { applyManifest, type Manifest, readManifestSource } from './manifests.ts';
import type { Connection, GlobalOptions, Session } from './session.ts';

export interface FileOptions extends GlobalOptions {
  readonly filename: readonly string[];
}

export function addApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('create what manifests say, or bring it to what they say')
    .requiredOption('-f, --filename <file...>', 'YAML or JSON files, folders, or - for what is typed')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<FileOptions>();
      const manifests = await readFiles(session, options.filename);
      await session.connected(options, (connection) => apply(session, connection, manifests));
    });
}

/** All documents of all files are read and checked before anything is written: a mistake in the last changes nothing. */
export async function readFiles(session: Session, files: readonly string[]): Promise<Manifest[]> {
  const definitions = session.kinds.map(({ resource }) => resource);
  const manifests = (await Promise.all(files.map((file) => readManifestSource(file, definitions)))).flat();
  if (manifests.length === 0) throw new CommandError('error: no objects passed to apply');
  return manifests;
}

async function apply(
  session: Session,
  { client, namespace }: Connection,
  manifests: readonly Manifest[],
): Promise<void> {
  for (const [index, manifest] of manifests.entries()) {
    const name = objectName(manifest.definition, manifest.name);
    try {
      session.terminal.out(`${name} ${await applyManifest(client, manifest, namespace)}`);
    } catch (error) {
      const left = manifests.length - index;
      if (manifests.length > 1) {
        session.terminal.error(`${index} of ${manifests.length} objects were applied, the other ${left} were not:`);
      }
      throw error;
    }
  }
}
