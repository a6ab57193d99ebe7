import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnyResourceDefinition, type Client, isSetpointError, nearestName, validateSpec } from 'setpoint';
import { LineCounter, parseAllDocuments } from 'yaml';
import { kindOf, objectKey } from 'setpoint/resource';
import { offsetOf, stepsOf } from './yaml-path.ts';

/** One object as a person wrote it down. */
export interface Manifest {
  readonly definition: AnyResourceDefinition;
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: unknown;
  /** Where a field such as `spec.replicas` stands, as `file:line:column`. */
  readonly locate: (path: string) => string;
}

/** A manifest that can't be used. The message begins with `file:line:column`. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** What every manifest looks like, of whatever kind: its fields, and what each must be. */
const FIELDS = { apiVersion: 'text', kind: 'text', metadata: 'an object', spec: 'an object' } as const;
const METADATA = { name: 'text', namespace: 'text', labels: 'an object', annotations: 'an object' } as const;

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<Manifest, 'name' | 'namespace' | 'labels' | 'annotations'>;
  readonly spec: object;
}

/** Reads every `.yaml` file of a folder, in the order of their names; hidden ones are an editor's. */
export async function readManifests(folder: string, kinds: readonly AnyResourceDefinition[]): Promise<Manifest[]> {
  const names = (await readdir(folder)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
  const files = names.map((name) => readManifestFile(join(folder, name), kinds));
  return (await Promise.all(files)).flat();
}

/** Reads a file, every manifest of a folder, or with `-` what is typed. */
export async function readManifestSource(source: string, kinds: readonly AnyResourceDefinition[]): Promise<Manifest[]> {
  if (source === '-') return parseManifests(await typed(), 'stdin', kinds);
  return (await stat(source)).isDirectory() ? readManifests(source, kinds) : readManifestFile(source, kinds);
}

async function typed(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function readManifestFile(file: string, kinds: readonly AnyResourceDefinition[]): Promise<Manifest[]> {
  return parseManifests(await readFile(file, 'utf8'), file, kinds);
}

/** The manifests of one text, which may hold several documents. Throws {@link ManifestError} for the first bad one. */
export function parseManifests(text: string, file: string, kinds: readonly AnyResourceDefinition[]): Manifest[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  return [...documents].flatMap((document) => {
    const [broken] = document.errors;
    if (broken) throw new ManifestError(`${place(broken.pos[0])}: this is not YAML: ${broken.message}`);
    const value: unknown = document.toJS();
    if (value === null) return []; // nothing between two ---
    const locate = (path: string): string => place(offsetOf(document, stepsOf(path)));
    return [readManifest(value, locate, kinds)];
  });
}

/** What an apply did with an object, in kubectl's words. */
export type Applied = 'created' | 'configured' | 'unchanged';

/** Brings the store to what one manifest says. What is so already is not written. */
export async function applyManifest(client: Client, manifest: Manifest, namespace?: string): Promise<Applied> {
  const { definition, locate, ...written } = manifest;
  const wanted = { ...written, ...placeOf(manifest, namespace) };
  const objects = client.resource(definition);
  try {
    const before = await objects.find(placeOf(manifest, namespace));
    const after = await objects.apply(wanted);
    if (!before) return 'created';
    return before.metadata.resourceVersion === after.metadata.resourceVersion ? 'unchanged' : 'configured';
  } catch (error) {
    return rethrowAt(locate)(error);
  }
}

/** Brings the store to what the manifests say, one after the other. */
export async function applyManifests(client: Client, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) await applyManifest(client, manifest);
}

/** Deletes what the manifests name. What isn't there needs no deleting. */
export async function deleteManifests(client: Client, manifests: readonly Manifest[]): Promise<void> {
  for (const manifest of manifests) {
    const objects = client.resource(manifest.definition);
    const object = await objects.find(placeOf(manifest));
    if (object) await objects.delete(object);
  }
}

/** The name of a manifest's object, in the given namespace where it names none of its own and its kind has them. */
export function placeOf(
  { definition, name, namespace }: Pick<Manifest, 'definition' | 'name' | 'namespace'>,
  otherwise?: string,
): { readonly name: string; readonly namespace?: string } {
  const place = namespace ?? (definition.scope === 'Namespaced' ? otherwise : undefined);
  return { name, ...(place !== undefined && { namespace: place }) };
}

function readManifest(value: unknown, locate: Manifest['locate'], kinds: readonly AnyResourceDefinition[]): Manifest {
  const refuse = (path: string, reason: string): never => {
    throw new ManifestError(`${locate(path)}: ${path === '' ? 'the manifest' : path}: ${reason}`);
  };
  const wrong = whatIsWrong(value);
  if (wrong) return refuse(...wrong);
  const { apiVersion, kind, metadata, spec } = value as Envelope;

  const definition = kinds.find((each) => each.kind === kind);
  if (!definition)
    return refuse(
      'kind',
      `there is no kind "${kind}". ${hint(
        kind,
        kinds.map((each) => each.kind),
      )}`,
    );
  if (apiVersion !== definition.apiVersion) refuse('apiVersion', `a ${kind} has "${definition.apiVersion}" here`);
  try {
    validateSpec(definition, spec);
  } catch (error) {
    rethrowAt(locate)(error);
  }
  const { name, namespace, labels, annotations } = metadata;
  return {
    definition,
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    spec,
    locate,
  };
}

/** What is wrong with the envelope, if anything: the path, and a sentence. A misspelt field comes before a missing one. */
function whatIsWrong(value: unknown): [path: string, reason: string] | undefined {
  if (!isRecord(value)) return ['', `expected an object with ${Object.keys(FIELDS).join(', ')}`];
  const { metadata } = value;
  return (
    misspelt('', value, FIELDS) ??
    (isRecord(metadata) ? misspelt('metadata.', metadata, METADATA) : undefined) ??
    mistyped('', value, FIELDS, ['apiVersion', 'kind', 'metadata', 'spec']) ??
    mistyped('metadata.', metadata as Record<string, unknown>, METADATA, ['name']) ??
    badMetadata(metadata as Envelope['metadata'])
  );
}

type Fields = Readonly<Record<string, 'text' | 'an object'>>;

function misspelt(path: string, value: object, fields: Fields): [string, string] | undefined {
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(fields, field));
  if (unknown === undefined) return undefined;
  return [`${path}${unknown}`, `there is no such field here. ${hint(unknown, Object.keys(fields))}`];
}

function mistyped(
  path: string,
  value: Readonly<Record<string, unknown>>,
  fields: Fields,
  needed: readonly string[],
): [string, string] | undefined {
  for (const [field, type] of Object.entries(fields)) {
    const given = value[field];
    if (given === undefined && !needed.includes(field)) continue;
    const fits = type === 'text' ? typeof given === 'string' : isRecord(given);
    if (!fits) return [`${path}${field}`, `expected ${type}, got ${kindOf(given)}`];
  }
  return undefined;
}

/** Labels and annotations are text, and names make keys: known before anything is written. */
function badMetadata({ name, namespace, labels, annotations }: Envelope['metadata']): [string, string] | undefined {
  for (const [map, entries] of [
    ['labels', labels],
    ['annotations', annotations],
  ] as const) {
    const wrong = Object.entries(entries ?? {}).find(([, value]) => typeof value !== 'string');
    if (wrong) return [`metadata.${map}.${wrong[0]}`, `expected text, got ${kindOf(wrong[1])}`];
  }
  try {
    objectKey({ name, namespace });
    return undefined;
  } catch (error) {
    if (!isSetpointError(error, 'Invalid')) throw error;
    return [`metadata.${error.details.path ?? 'name'}`, error.message];
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hint(wrong: string, known: readonly string[]): string {
  const nearest = nearestName(wrong, known);
  return nearest === undefined ? `There are ${known.join(', ')}.` : `Did you mean "${nearest}"?`;
}

/** The library says which field of which object it refuses; the file and the line are ours to add. */
function rethrowAt(locate: Manifest['locate']): (error: unknown) => never {
  return (error) => {
    if (!isSetpointError(error, 'Invalid')) throw error;
    throw new ManifestError(`${locate(error.details.path ?? '')}: ${error.message}`, { cause: error });
  };
}
