import type { Command } from 'commander';
import { type AnyResourceDefinition, createInformer, type ObjectOf } from 'setpoint';
import { keyPrefix, objectKey, resourceCodec } from 'setpoint/resource';
import { needs, readObject, secondsOf } from './arguments.ts';
import { type CliKind, objectName, type Rollout, type RolloutProgress, type RolloutRevision } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { asYaml } from './formats.ts';
import { readObjects } from './get.ts';
import { drawBar } from './progress-bar.ts';
import type { Connection, GlobalOptions, Session } from './session.ts';
import { Table } from './table.ts';

type AnyObject = ObjectOf<AnyResourceDefinition>;

interface Chosen {
  readonly session: Session;
  readonly connection: Connection;
  readonly kind: CliKind;
  readonly rollout: Rollout<AnyObject>;
  readonly object: AnyObject;
  readonly options: RolloutOptions;
}

interface RolloutOptions extends GlobalOptions {
  readonly revision?: string;
  readonly toRevision?: string;
  readonly watch?: boolean;
  readonly timeout?: string;
}

export function addRollout(program: Command, session: Session): void {
  const rollout = program
    .command('rollout')
    .description('look after a rollout: status, history, undo, pause, resume, restart');
  const add = (name: string, description: string, work: (chosen: Chosen) => Promise<void>): Command =>
    rollout
      .command(name)
      .description(description)
      .argument('<object...>', 'such as deploy/web')
      .action(async (words: string[], _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<RolloutOptions>();
        const { kind, name: of } = readObject(session.kinds, words);
        const ability = needs(kind.rollout, kind, 'rollout');
        secondsOf('--timeout', options.timeout ?? '0');
        await session.connected(options, async (connection) => {
          const [object] = await readObjects(connection, kind, [of], {});
          await work({ session, connection, kind, rollout: ability, object: object!, options });
        });
      });
  add('status', 'wait for the end of a rollout', status)
    .option('--no-watch', 'say how far it is and end')
    .option('--timeout <seconds>', 'how long to wait; 0 for ever', '0');
  add('history', 'list the revisions', history).option('--revision <number>', 'show this one');
  add('undo', 'go back to an earlier revision', undo).option(
    '--to-revision <number>',
    'which; by default the last',
    '0',
  );
  add('pause', 'stop rolling out changes', (chosen) => pause(chosen, true));
  add('resume', 'go on rolling out changes', (chosen) => pause(chosen, false));
  add('restart', 'replace all replicas, one after the other', restart);
}

async function write({ connection, kind, object }: Chosen, change: (current: AnyObject) => unknown): Promise<void> {
  await connection.client.resource(kind.resource).modify(object, (current) => ({ ...current, spec: change(current) }));
}

async function pause(chosen: Chosen, paused: boolean): Promise<void> {
  const { session, kind, rollout, object } = chosen;
  const name = objectName(kind.resource, object.metadata.name);
  if (rollout.isPaused(object) === paused) {
    throw new CommandError(paused ? `error: ${name} is already paused` : `error: ${name} is not paused`);
  }
  await write(chosen, (current) => rollout.pause(current, paused));
  session.terminal.out(`${name} ${paused ? 'paused' : 'resumed'}`);
}

async function restart(chosen: Chosen): Promise<void> {
  const { session, kind, rollout, object } = chosen;
  const name = objectName(kind.resource, object.metadata.name);
  if (rollout.isPaused(object))
    throw new CommandError(`error: can't restart paused ${name} (run rollout resume first)`);
  await write(chosen, (current) => rollout.restart(current, new Date(session.clock.wallNow()).toISOString()));
  session.terminal.out(`${name} restarted`);
}

async function history({ session, connection, kind, rollout, object, options }: Chosen): Promise<void> {
  const revisions = await rollout.history(object, connection.client);
  session.terminal.out(`${objectName(kind.resource, object.metadata.name)}`);
  if (options.revision !== undefined) {
    session.terminal.out(`with revision #${options.revision}`);
    return session.terminal.out(asYaml(revisionOf(revisions, options.revision).content));
  }
  const rows = revisions.map(({ revision, cause }) => [String(revision), cause ?? '<none>']);
  for (const line of new Table().lines([['REVISION', 'CHANGE-CAUSE'], ...rows])) session.terminal.out(line);
}

async function undo(chosen: Chosen): Promise<void> {
  const { session, connection, kind, rollout, object, options } = chosen;
  const name = objectName(kind.resource, object.metadata.name);
  if (rollout.isPaused(object)) {
    throw new CommandError(
      `error: you cannot rollback a paused ${kind.resource.singular}; resume it first and try again`,
    );
  }
  const revisions = await rollout.history(object, connection.client);
  const { toRevision = '0' } = options;
  const to = toRevision === '0' ? revisions.at(-2) : revisionOf(revisions, toRevision);
  if (!to) throw new CommandError(`error: no rollout history found for ${name}`);
  if (to === revisions.at(-1)) {
    return session.terminal.out(`${name} skipped rollback (current template already matches revision ${to.revision})`);
  }
  await write(chosen, (current) => rollout.undo(current, to));
  session.terminal.out(`${name} rolled back`);
}

function revisionOf(revisions: readonly RolloutRevision[], written: string): RolloutRevision {
  const found = revisions.find(({ revision }) => String(revision) === written);
  if (found) return found;
  const known = revisions.map(({ revision }) => revision).join(', ');
  throw new CommandError(`error: unable to find specified revision ${written} in history; there is ${known}`);
}

/** Follows a rollout to its end: a bar where there is a terminal, otherwise a line for each step. */
async function status(chosen: Chosen): Promise<void> {
  const { session, connection, kind, rollout, object, options } = chosen;
  const { terminal } = session;
  const { singular } = kind.resource;
  const title = `${singular} "${object.metadata.name}"`;
  let last = '';
  const tell = (progress: RolloutProgress): boolean => {
    if (progress.failed) throw new CommandError(`error: ${title} ${progress.message}`);
    const line = progress.done
      ? `${title} successfully rolled out`
      : `Waiting for ${title} rollout to finish: ${progress.message}`;
    if (terminal.isTTY && !progress.done) terminal.write(drawBar(title, progress));
    else if (line !== last) terminal.out(`${terminal.isTTY && last !== '' ? '\r\x1b[K' : ''}${line}`);
    last = line;
    return progress.done;
  };
  if (tell(rollout.progress(object)) || options.watch === false) return;

  const over = new AbortController();
  const timeoutMs = secondsOf('--timeout', options.timeout ?? '0');
  const patience =
    timeoutMs > 0
      ? session.clock.setTimer(
          () => over.abort(new CommandError('error: timed out waiting for the condition')),
          timeoutMs,
        )
      : undefined;
  let failure: unknown;
  const look = (now: AnyObject): void => {
    try {
      if (tell(rollout.progress(now))) over.abort();
    } catch (error) {
      failure ??= error;
      over.abort();
    }
  };
  const gone = (): void => {
    failure ??= new CommandError(`error: ${title} has been deleted`);
    over.abort();
  };
  const informer = createInformer<AnyObject>({
    store: connection.store,
    prefix: keyPrefix(kind.resource, connection.prefix),
    codec: resourceCodec(kind.resource, connection.prefix),
    audit: false,
  });
  const { uid } = object.metadata;
  informer.addEventHandler(
    { add: look, update: (_old, now) => look(now), delete: gone },
    { filter: ({ metadata }) => metadata.uid === uid },
  );
  const running = informer.run(AbortSignal.any([over.signal, session.signal]));
  // It may have gone between being read and being followed: then nobody tells that it goes.
  informer.whenSynced().then(
    () => informer.lister.get(objectKey(object.metadata))?.metadata.uid === uid || gone(),
    () => {}, // it was stopped before: what stopped it is told
  );
  await running;
  patience?.cancel();
  failure ??= over.signal.reason instanceof CommandError ? over.signal.reason : undefined;
  if (failure !== undefined) throw failure as Error;
  if (!over.signal.aborted) session.signal.throwIfAborted(); // nobody knows yet how it ends
}
