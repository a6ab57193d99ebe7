import type { Command } from 'commander';
import type { ObjectOf } from 'setpoint';
import { Event } from 'setpoint/events';
import { ageSince } from './age.ts';
import { findKind } from './arguments.ts';
import { cliKind } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import type { Connection, GlobalOptions, Session } from './session.ts';
import { Table } from './table.ts';

/** For `get` and `delete`: the kind that every manager records. */
export const eventKind = cliKind(Event, {
  columns: [
    { name: 'TYPE', value: ({ spec }) => spec.type },
    { name: 'REASON', value: ({ spec }) => spec.reason },
    { name: 'OBJECT', value: ({ spec }) => objectText(spec) },
    { name: 'MESSAGE', value: ({ spec }) => spec.message },
  ],
});

type RecordedEvent = ObjectOf<typeof Event>;

interface EventOptions extends GlobalOptions {
  readonly for?: string;
  readonly allNamespaces: boolean;
}

export function addEvents(program: Command, session: Session): void {
  program
    .command('events')
    .description('what has happened, oldest first')
    .option('--for <object>', 'only about this object, such as deploy/web')
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EventOptions>();
      const [kind, name] = options.for?.split('/') ?? [];
      if (options.for !== undefined && name === undefined) throw new CommandError('error: --for takes kind/name');
      const wanted = kind === undefined ? undefined : findKind(session.kinds, kind).resource.kind;
      await session.connected(options, async (connection) => {
        const all = await readEvents(connection, options.allNamespaces);
        const events = all.filter(
          ({ spec: { regarding } }) => wanted === undefined || (regarding.kind === wanted && regarding.name === name),
        );
        if (events.length === 0) {
          const where = options.allNamespaces ? '' : ` in ${options.namespace} namespace`;
          return session.terminal.error(`No events found${where}.`);
        }
        const now = session.clock.wallNow();
        const rows = events.map(({ spec }) => [
          ageOf(spec, now),
          spec.type,
          spec.reason,
          objectText(spec),
          spec.message,
        ]);
        for (const line of new Table().lines([['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'], ...rows])) {
          session.terminal.out(line);
        }
      });
    });
}

/** Those of the events that are about one object, as the end of `describe`. */
export function eventLines(session: Session, all: readonly RecordedEvent[], uid: string): string[] {
  const events = all.filter(({ spec }) => spec.regarding.uid === uid);
  if (events.length === 0) return ['Events:  <none>'];
  const now = session.clock.wallNow();
  const head = ['  Type', 'Reason', 'Age', 'From', 'Message'];
  const rule = head.map((cell, i) => (i === 0 ? '  ----' : '-'.repeat(cell.length)));
  const rows = events.map(({ spec }) => [
    `  ${spec.type}`,
    spec.reason,
    ageOf(spec, now),
    spec.reportingController,
    spec.message,
  ]);
  return ['Events:', ...new Table().lines([head, rule, ...rows])];
}

function objectText({ regarding }: RecordedEvent['spec']): string {
  return `${regarding.kind.toLowerCase()}/${regarding.name}`;
}

/** `12s`, or for a repeated one `12s (x5 over 3m)`. */
function ageOf(spec: RecordedEvent['spec'], now: number): string {
  const last = ageSince(lastSeen(spec), now);
  return spec.series ? `${last} (x${spec.series.count} over ${ageSince(spec.eventTime, now)})` : last;
}

function lastSeen({ series, eventTime }: RecordedEvent['spec']): string {
  return series?.lastObservedTime ?? eventTime;
}

/** What was seen last is last; of the same moment, what was stored last. */
export async function readEvents({ client, namespace }: Connection, all: boolean): Promise<RecordedEvent[]> {
  const { items } = await client.resource(Event).list(all ? {} : { namespace });
  const at = ({ spec, metadata }: RecordedEvent) => [Date.parse(lastSeen(spec)), Number(metadata.resourceVersion)];
  return items.toSorted((a, b) => {
    const [[seenA = 0, storedA = 0], [seenB = 0, storedB = 0]] = [at(a), at(b)];
    return seenA - seenB || storedA - storedB;
  });
}
