import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnyResourceDefinition, type Client, isSetpointError, nearestName, validateSpec } from 'setpoint';
import { LineCounter, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { offsetOf, pathText, stepsOf } from './yaml-path.ts';

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

/** What every manifest looks like, of whatever kind. */
const envelope = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.strictObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.looseObject({}),
});

/** Reads every `.yaml` file of a folder, in the order of their names. */
export async function readManifests(folder: string, kinds: readonly AnyResourceDefinition[]): Promise<Manifest[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const files = names.map((name) => readManifestFile(join(folder, name), kinds));
  return (await Promise.all(files)).flat();
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

/** Brings the store to what the manifests say. What is so already is not written. */
export async function applyManifests(client: Client, manifests: readonly Manifest[]): Promise<void> {
  for (const { definition, locate, ...wanted } of manifests) {
    await client.resource(definition).apply(wanted).catch(rethrowAt(locate));
  }
}

/** Deletes what the manifests name. What isn't there needs no deleting. */
export async function deleteManifests(client: Client, manifests: readonly Manifest[]): Promise<void> {
  for (const { definition, name, namespace } of manifests) {
    const objects = client.resource(definition);
    const object = await objects.find({ name, ...(namespace !== undefined && { namespace }) });
    if (object) await objects.delete(object);
  }
}

function readManifest(value: unknown, locate: Manifest['locate'], kinds: readonly AnyResourceDefinition[]): Manifest {
  const refuse = (path: string, reason: string): never => {
    throw new ManifestError(`${locate(path)}: ${path === '' ? 'the manifest' : path}: ${reason}`);
  };
  const parsed = envelope.safeParse(value);
  if (!parsed.success) return refuse(...explain(parsed.error.issues));
  const { apiVersion, kind, metadata, spec } = parsed.data;

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

/** What is wrong with the envelope: the path, and a sentence. A misspelt field comes before the one that it leaves missing. */
function explain(issues: readonly z.core.$ZodIssue[]): [path: string, reason: string] {
  const misspelt = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (!misspelt) return [pathText(issues[0]!.path), issues[0]!.message];
  const [field = ''] = misspelt.keys;
  const known = misspelt.path[0] === 'metadata' ? envelope.shape.metadata.shape : envelope.shape;
  return [pathText([...misspelt.path, field]), `there is no such field here. ${hint(field, Object.keys(known))}`];
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
