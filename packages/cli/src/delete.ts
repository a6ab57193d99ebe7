import type { Command } from 'commander';
import { sleep } from 'setpoint';
import { type FileOptions, readFiles } from './apply.ts';
import { readTargets, secondsOf } from './arguments.ts';
import { type CliKind, kindName } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { readObjects } from './get.ts';
import { placeOf } from './manifests.ts';
import type { Connection, Session } from './session.ts';

interface DeleteOptions extends Partial<FileOptions> {
  readonly prefix: string;
  readonly namespace: string;
  readonly all: boolean;
  readonly selector: string;
  readonly wait: boolean;
  readonly ignoreNotFound: boolean;
  readonly timeout: string;
}

const LOOK_AGAIN_MS = 100;

export function addDelete(program: Command, session: Session): void {
  program
    .command('delete')
    .description('delete objects, and wait until they are gone')
    .argument('[kind]')
    .argument('[names...]')
    .option('-f, --filename <file...>', 'what these manifests name')
    .option('--all', 'all objects of the kind in the namespace', false)
    .option('-l, --selector <labels>', 'those with these labels', '')
    .option('--no-wait', "don't wait for finalizers")
    .option('--timeout <seconds>', 'how long to wait', '60')
    .option('--ignore-not-found', "treat what isn't there as deleted", false)
    .action(async (kind: string | undefined, names: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DeleteOptions>();
      secondsOf('--timeout', options.timeout); // before anything is deleted
      await session.connected(options, async (connection) => {
        const chosen = await choose(session, connection, kind === undefined ? [] : [kind, ...names], options);
        for (const each of chosen) await remove(session, connection, each, options);
      });
    });
}

interface Chosen {
  readonly kind: CliKind;
  readonly place: { readonly name: string; readonly namespace?: string };
}

async function choose(
  session: Session,
  connection: Connection,
  words: readonly string[],
  options: DeleteOptions,
): Promise<Chosen[]> {
  if (options.filename) {
    const manifests = await readFiles(session, options.filename);
    return manifests.map((manifest) => ({
      kind: session.kinds.find(({ resource }) => resource === manifest.definition)!,
      place: placeOf(manifest, connection.namespace),
    }));
  }
  if (words.length === 0) throw new CommandError('error: say what to delete: kind NAME, kind/NAME, or -f FILE');
  const { kinds, names } = readTargets(session.kinds, words);
  if (names.length === 0 && !options.all && options.selector === '') {
    throw new CommandError('error: resource(s) were provided, but no name was specified');
  }
  const chosen: Chosen[] = [];
  for (const kind of kinds) {
    const definition = kind.resource;
    const found =
      names.length > 0 ? names : (await readObjects(connection, kind, [], options)).map((each) => each.metadata.name);
    for (const name of found) chosen.push({ kind, place: placeOf({ definition, name }, connection.namespace) });
  }
  return chosen;
}

async function remove(
  session: Session,
  { client }: Connection,
  { kind, place }: Chosen,
  options: DeleteOptions,
): Promise<void> {
  const { resource } = kind;
  const objects = client.resource(resource);
  const found = await objects.find(place);
  if (!found) {
    if (options.ignoreNotFound) return;
    throw new CommandError(`Error from server (NotFound): ${kindName(resource)} "${place.name}" not found`);
  }
  await objects.delete(found);
  session.terminal.out(`${resource.singular}.${resource.group} "${place.name}" deleted`);
  if (!options.wait) return;
  const deadline = session.clock.now() + secondsOf('--timeout', options.timeout);
  while ((await objects.find(place))?.metadata.uid === found.metadata.uid) {
    if (session.clock.now() > deadline) {
      throw new CommandError(`error: timed out waiting for ${kindName(resource)} "${place.name}" to be gone`);
    }
    await sleep(session.clock, LOOK_AGAIN_MS, session.signal, { ref: true });
    session.signal.throwIfAborted();
  }
}
