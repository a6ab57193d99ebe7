import type { Command } from 'commander';
import type { AnyResourceDefinition, Condition, ObjectOf } from 'setpoint';
import { stringify } from 'yaml';
import { readTargets } from './arguments.ts';
import type { CliKind } from './cli-kind.ts';
import { eventLines, readEvents } from './events.ts';
import { readObjects } from './get.ts';
import type { GlobalOptions, Session } from './session.ts';
import { Table } from './table.ts';

type AnyObject = ObjectOf<AnyResourceDefinition>;
const LABEL_WIDTH = 20;

export function addDescribe(program: Command, session: Session): void {
  program
    .command('describe')
    .description('show all there is to know about objects')
    .argument('<kind>')
    .argument('[names...]')
    .option('-l, --selector <labels>', 'only those with these labels', '')
    .action(async (kind: string, names: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { readonly selector: string }>();
      const targets = readTargets(session.kinds, [kind, ...names]);
      await session.connected(options, async (connection) => {
        let first = true;
        let recorded: Awaited<ReturnType<typeof readEvents>> | undefined;
        for (const each of targets.kinds) {
          for (const object of await readObjects(connection, each, targets.names, options)) {
            if (!first) session.terminal.out('\n');
            first = false;
            recorded ??= await readEvents(connection, true);
            const events = eventLines(session, recorded, object.metadata.uid);
            for (const line of [...describe(each, object), ...events]) session.terminal.out(line);
          }
        }
        if (first) session.terminal.error(`No resources found in ${connection.namespace} namespace.`);
      });
    });
}

function describe(kind: CliKind, object: AnyObject): string[] {
  const { metadata, spec, status } = object;
  const { conditions, observedGeneration, ...counts } = (status ?? {}) as Record<string, unknown> & {
    observedGeneration?: number;
  };
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  const pairs: [string, string | undefined][] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['CreationTimestamp', new Date(metadata.creationTimestamp).toUTCString()],
    ['DeletionTimestamp', metadata.deletionTimestamp && new Date(metadata.deletionTimestamp).toUTCString()],
    ['Labels', mapText(metadata.labels)],
    ['Annotations', mapText(metadata.annotations)],
    ['Controlled By', owner && `${owner.kind}/${owner.name}`],
    ['Finalizers', metadata.finalizers?.join(', ')],
    [
      'Generation',
      `${metadata.generation}${observedGeneration === undefined ? '' : ` (observed ${observedGeneration})`}`,
    ],
  ];
  const lines = pairs.flatMap(([label, value]) => (value === undefined ? [] : labelled(label, value)));
  const details = kind.details?.(object).flatMap(([label, value]) => labelled(label, value));
  return [
    ...lines,
    ...(details ?? [...block('Spec', spec), ...block('Status', counts)]),
    ...conditionLines(conditions),
  ];
}

/** A label, and its value beside it; further lines of the value stand below its first. */
function labelled(label: string, value: string): string[] {
  const [first = '', ...rest] = value.split('\n');
  return [`${`${label}:`.padEnd(LABEL_WIDTH)}${first}`, ...rest.map((line) => `${' '.repeat(LABEL_WIDTH)}${line}`)];
}

function mapText(map: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.join('\n');
}

function block(label: string, value: unknown): string[] {
  const text = stringify(value, { lineWidth: 0 }).trimEnd();
  return [`${label}:`, ...text.split('\n').map((line) => `  ${line}`)];
}

function conditionLines(conditions: unknown): string[] {
  if (!Array.isArray(conditions) || conditions.length === 0) return [];
  const rows = (conditions as Condition[]).map(({ type, status, reason, message }) => [
    `  ${type}`,
    status,
    reason,
    message,
  ]);
  const head = ['  Type', 'Status', 'Reason', 'Message'];
  const rule = ['  ----', '------', '------', '-------'];
  return ['Conditions:', ...new Table().lines([head, rule, ...rows])];
}
