import type { Command } from 'commander';
import type { AnyResourceDefinition, ObjectOf } from 'setpoint';
import { ageSince } from './age.ts';
import { findKind } from './arguments.ts';
import { CommandError } from './command-error.ts';
import type { Connection, GlobalOptions, Session } from './session.ts';
import { Table } from './table.ts';

/** As much of an event as is shown; the event objects of `setpoint/events` fit. */
interface EventFields {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly lastSeen: string;
  readonly firstSeen: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

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
        const all = await readEvents(session, connection, options.allNamespaces);
        const events = all.filter((event) => wanted === undefined || (event.kind === wanted && event.name === name));
        if (events.length === 0) {
          const where = options.allNamespaces ? '' : ` in ${options.namespace} namespace`;
          return session.terminal.error(`No events found${where}.`);
        }
        const now = session.clock.wallNow();
        const rows = events.map((event) => [
          ...ageOf(event, now),
          event.type,
          event.reason,
          `${event.kind}/${event.name}`,
          event.message,
        ]);
        for (const line of new Table().lines([['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'], ...rows])) {
          session.terminal.out(line);
        }
      });
    });
}

/** The events about one object, as the end of `describe`. */
export async function eventLines(session: Session, connection: Connection, uid: string): Promise<string[]> {
  if (!session.events) return [];
  const events = (await readEvents(session, connection, true)).filter((event) => event.uid === uid);
  if (events.length === 0) return ['Events:  <none>'];
  const now = session.clock.wallNow();
  const head = ['  Type', 'Reason', 'Age', 'Message'];
  const rule = head.map((cell, i) => (i === 0 ? '  ----' : '-'.repeat(cell.length)));
  const rows = events.map((event) => [`  ${event.type}`, event.reason, ...ageOf(event, now), event.message]);
  return ['Events:', ...new Table().lines([head, rule, ...rows])];
}

/** `12s`, or for a repeated one `12s (x5 over 3m)`. */
function ageOf({ lastSeen, firstSeen, count }: EventFields, now: number): [string] {
  const last = ageSince(lastSeen, now);
  return [count > 1 ? `${last} (x${count} over ${ageSince(firstSeen, now)})` : last];
}

async function readEvents(session: Session, { client, namespace }: Connection, all: boolean): Promise<EventFields[]> {
  if (!session.events) throw new CommandError('error: nothing records events here');
  const { items } = await client.resource(session.events.resource).list(all ? {} : { namespace });
  return items.map(fieldsOf).sort((a, b) => (a.lastSeen < b.lastSeen ? -1 : a.lastSeen > b.lastSeen ? 1 : 0));
}

function fieldsOf({ metadata, spec }: ObjectOf<AnyResourceDefinition>): EventFields {
  const of = (spec.regarding ?? spec.involvedObject ?? {}) as Partial<Record<'kind' | 'name' | 'uid', string>>;
  return {
    type: String(spec.type),
    reason: String(spec.reason),
    message: String(spec.message ?? spec.note ?? ''),
    count: Number(spec.count ?? 1),
    firstSeen: String(spec.firstTimestamp ?? metadata.creationTimestamp),
    lastSeen: String(spec.lastTimestamp ?? metadata.creationTimestamp),
    kind: of.kind ?? '',
    name: of.name ?? '',
    uid: of.uid ?? '',
  };
}
