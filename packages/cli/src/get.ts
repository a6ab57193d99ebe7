import type { Command } from 'commander';
import { createInformer, type ObjectOf, type AnyResourceDefinition } from 'setpoint';
import { keyPrefix, labelSelector, resourceCodec } from 'setpoint/resource';
import { readTargets, type Targets } from './arguments.ts';
import { ageSince } from './age.ts';
import { type CliKind, type Column, kindName, objectName } from './cli-kind.ts';
import { CommandError } from './command-error.ts';
import { asJson, asYaml, formatOf } from './formats.ts';
import type { Connection, GlobalOptions, Session, Terminal } from './session.ts';
import { Table } from './table.ts';

type AnyObject = ObjectOf<AnyResourceDefinition>;

interface GetOptions extends GlobalOptions {
  readonly output?: string;
  readonly watch: boolean;
  readonly allNamespaces: boolean;
  readonly selector: string;
  readonly showLabels: boolean;
}

export function addGet(program: Command, session: Session): void {
  program
    .command('get')
    .description('list objects, or show some of them')
    .argument('<kind>', 'such as deploy, deploy,rs or all')
    .argument('[names...]')
    .option('-o, --output <format>', 'wide, yaml, json or name')
    .option('-w, --watch', 'go on, and show each change', false)
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .option('-l, --selector <labels>', 'only those with these labels, such as app=web', '')
    .option('--show-labels', 'with a column of their labels', false)
    .action(async (kind: string, names: string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GetOptions>();
      const targets = readTargets(session.kinds, [kind, ...names]);
      formatOf(options.output);
      if (options.watch && targets.kinds.length > 1) {
        throw new CommandError('error: you may only specify a single resource type with --watch');
      }
      await session.connected(options, async (connection) => {
        if (options.watch) await follow(session, connection, targets, options);
        else await show(session, connection, targets, options);
      });
    });
}

/** The objects that a command names, or all of the namespace. Throws for a name that isn't there. */
export async function readObjects(
  connection: Connection,
  kind: CliKind,
  names: readonly string[],
  options: { readonly allNamespaces?: boolean; readonly selector?: string },
): Promise<AnyObject[]> {
  const objects = connection.client.resource(kind.resource);
  const namespaced = kind.resource.scope === 'Namespaced';
  if (names.length === 0) {
    const namespace = namespaced && !options.allNamespaces ? connection.namespace : undefined;
    const labels = options.selector === undefined || options.selector === '' ? undefined : options.selector;
    return [...(await objects.list({ namespace, labelSelector: labels })).items];
  }
  return Promise.all(
    names.map(async (name) => {
      const found = await objects.find(namespaced ? { name, namespace: connection.namespace } : { name });
      if (found) return found;
      throw new CommandError(`Error from server (NotFound): ${kindName(kind.resource)} "${name}" not found`);
    }),
  );
}

async function show(session: Session, connection: Connection, targets: Targets, options: GetOptions): Promise<void> {
  const { terminal } = session;
  const several = targets.kinds.length > 1;
  const found: { kind: CliKind; objects: AnyObject[] }[] = [];
  for (const kind of targets.kinds)
    found.push({ kind, objects: await readObjects(connection, kind, targets.names, options) });
  const all = found.flatMap(({ objects }) => objects);
  const format = formatOf(options.output);
  if (format === 'json' || format === 'yaml') {
    const [only] = all;
    const one = targets.names.length === 1 && !several && only !== undefined;
    const value = one ? only : { apiVersion: 'v1', kind: 'List', items: all };
    return terminal.out(format === 'json' ? asJson(value) : asYaml(value));
  }
  if (all.length === 0) return terminal.error(nothing(targets, options));
  let first = true;
  for (const { kind, objects } of found.filter((each) => each.objects.length > 0)) {
    if (several && !first && format !== 'name') terminal.out('');
    first = false;
    const printer = new Printer(kind, options, several);
    printer.print(terminal, objects, session.clock.wallNow());
  }
}

function nothing({ kinds }: Targets, { allNamespaces, namespace }: GetOptions): string {
  const scoped = kinds.some(({ resource }) => resource.scope === 'Namespaced') && !allNamespaces;
  return scoped ? `No resources found in ${namespace} namespace.` : 'No resources found';
}

/** Prints objects as rows, with the heading before the first. */
class Printer {
  readonly #kind: CliKind;
  readonly #columns: readonly Column<AnyObject>[];
  readonly #table = new Table();
  readonly #format: string;
  readonly #qualified: boolean;
  #headed = false;

  /** `qualified`: several kinds are shown, and each name says which one. */
  constructor(kind: CliKind, options: GetOptions, qualified: boolean) {
    this.#kind = kind;
    this.#qualified = qualified;
    this.#format = formatOf(options.output);
    this.#columns = columnsOf(kind, options, qualified);
  }

  print(terminal: Terminal, objects: readonly AnyObject[], now: number): void {
    if (this.#format === 'json' || this.#format === 'yaml') {
      for (const object of objects) terminal.out(this.#format === 'json' ? asJson(object) : `---\n${asYaml(object)}`);
      return;
    }
    if (this.#format === 'name') {
      for (const { metadata } of objects) terminal.out(objectName(this.#kind.resource, metadata.name));
      return;
    }
    const head = this.#headed ? [] : [this.#columns.map(({ name }) => name)];
    this.#headed = true;
    const rows = objects.map((object) => this.#columns.map(({ value }) => String(value(object, now) ?? '<none>')));
    for (const line of this.#table.lines([...head, ...rows])) terminal.out(line);
  }

  get qualified(): boolean {
    return this.#qualified;
  }
}

function columnsOf(kind: CliKind, options: GetOptions, qualified: boolean): Column<AnyObject>[] {
  const { resource, columns = [] } = kind;
  const own = columns.filter(({ wide }) => wide !== true);
  const wide = options.output === 'wide' ? columns.filter((column) => column.wide) : [];
  return [
    ...(options.allNamespaces && resource.scope === 'Namespaced'
      ? [{ name: 'NAMESPACE', value: ({ metadata }: AnyObject) => metadata.namespace }]
      : []),
    { name: 'NAME', value: ({ metadata }) => (qualified ? objectName(resource, metadata.name) : metadata.name) },
    ...own,
    { name: 'AGE', value: ({ metadata }, now) => ageSince(metadata.creationTimestamp, now) },
    ...wide,
    ...(options.showLabels
      ? [{ name: 'LABELS', value: ({ metadata }: AnyObject) => labelsText(metadata.labels) }]
      : []),
  ];
}

export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.join(',');
}

/** `get -w`: what is there, then a row for every change, until Ctrl-C. */
async function follow(session: Session, connection: Connection, targets: Targets, options: GetOptions): Promise<void> {
  const [kind] = targets.kinds;
  const { resource } = kind!;
  const selects = labelSelector(options.selector);
  const initial = await readObjects(connection, kind!, targets.names, options);
  const printer = new Printer(kind!, options, false);
  const shown = new Map(initial.map(({ metadata }) => [metadata.uid, metadata.resourceVersion]));
  const print = (object: AnyObject): void => {
    if (shown.get(object.metadata.uid) === object.metadata.resourceVersion) return;
    shown.set(object.metadata.uid, object.metadata.resourceVersion);
    printer.print(session.terminal, [object], session.clock.wallNow());
  };
  if (initial.length > 0) printer.print(session.terminal, initial, session.clock.wallNow());
  const informer = createInformer<AnyObject>({
    store: connection.store,
    prefix: keyPrefix(resource, connection.prefix),
    codec: resourceCodec(resource, connection.prefix),
    audit: false,
  });
  const matches = ({ metadata }: AnyObject): boolean =>
    (options.allNamespaces || resource.scope === 'Cluster' || metadata.namespace === connection.namespace) &&
    (targets.names.length === 0 || targets.names.includes(metadata.name)) &&
    selects(metadata.labels);
  informer.addEventHandler({ add: print, update: (_old, now) => print(now), delete: print }, { filter: matches });
  await informer.run(session.signal);
}
