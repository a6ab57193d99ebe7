import type { StandardSchemaV1 } from '@standard-schema/spec';
import type {
  AnyResourceDefinition,
  CommonStatus,
  DeepReadonly,
  SpecOf,
  StatusOf,
  UnknownFields,
} from './definition.ts';
import { isSetpointError } from '../errors/index.ts';
import { validateConditions } from './conditions.ts';
import { invalid, invalidBecause, kindOf, quote, type Subject } from './describe.ts';
import { clone, deepEqual } from './equality.ts';
import { knownFields } from './known-fields.ts';
import { nearestName } from './nearest-name.ts';
import { carryDropped, findDropped, overlay } from './overlay.ts';
import { isPlainObject, joinPath, type JsonObject, plainJson } from './plain-json.ts';

type AnySchema = StandardSchemaV1<unknown, unknown>;

/** What {@link validateSpec} and {@link validateStatus} may know beside the value. */
export interface ValidationContext {
  readonly subject?: Subject;
  /** What is stored now. Fields in it that the schema doesn't know may stay as they are. */
  readonly stored?: unknown;
  /** Takes those fields over from `stored` where the input leaves them out. Default false: they go. */
  readonly keepUnknown?: boolean;
}

/** Beyond this an error gets no easier to act on. */
const ISSUES_SHOWN_MAX = 5;
const FIELDS_SHOWN_MAX = 12;
/** Spec and status stand one level inside their object. */
const DEPTH_INSIDE_OBJECT = 1;

/**
 * The spec as it is to be stored: defaults filled in, a copy. Throws `Invalid`, with the path, for what the schema
 * refuses, fields it doesn't know (and `stored` doesn't have), what JSON can't carry, and a schema that would not read
 * back its own output.
 */
export function validateSpec<Definition extends AnyResourceDefinition>(
  definition: Definition,
  input: unknown,
  context: ValidationContext = {},
): DeepReadonly<SpecOf<Definition>> {
  const subject = context.subject ?? { what: definition.kind };
  const { specSchema: schema, unknownFields } = definition;
  const validation = { schema, path: 'spec', subject, stored: context.stored, unknownFields } as const;
  const spec = validateForWriting(validation, input);
  if (context.keepUnknown === true) {
    carryDropped(clone(context.stored), runSchema(validation, context.stored), spec);
  }
  return spec as DeepReadonly<SpecOf<Definition>>;
}

/** The same for a status. `conditions` and `observedGeneration` are checked here, the rest by the status schema. */
export function validateStatus<Definition extends AnyResourceDefinition>(
  definition: Definition,
  input: unknown,
  context: ValidationContext = {},
): DeepReadonly<StatusOf<Definition> & CommonStatus> {
  const subject = context.subject ?? { what: definition.kind };
  const plain = plainJson(input, subject, 'status', DEPTH_INSIDE_OBJECT);
  if (!isPlainObject(plain)) throw invalid(subject, 'status', 'an object', kindOf(input));
  const { conditions, observedGeneration, ...own } = plain;
  const { unknownFields } = definition;
  const status = definition.statusSchema
    ? validateForWriting(
        { schema: definition.statusSchema, path: 'status', subject, stored: context.stored, unknownFields },
        own,
      )
    : ownStatusWithoutSchema(own, subject);
  if (observedGeneration !== undefined) {
    if (!Number.isSafeInteger(observedGeneration)) {
      throw invalid(subject, 'status.observedGeneration', 'an integer', kindOf(observedGeneration));
    }
    status.observedGeneration = observedGeneration;
  }
  if (conditions !== undefined) {
    validateConditions(conditions, subject);
    status.conditions = conditions;
  }
  return status as DeepReadonly<StatusOf<Definition> & CommonStatus>;
}

/** The spec as a reader gets it: the schema's output over what was stored, in place. Throws `Invalid`. */
export function readSpec(definition: AnyResourceDefinition, stored: unknown, subject: Subject): unknown {
  const output = runSchema({ schema: definition.specSchema, path: 'spec', subject }, stored);
  const spec = overlay(stored, output);
  if (!isPlainObject(spec)) throw invalid(subject, 'spec', 'an object', kindOf(spec));
  return spec;
}

function ownStatusWithoutSchema(own: JsonObject, subject: Subject): JsonObject {
  const [name] = Object.keys(own);
  if (name === undefined) return {};
  const next = 'Give defineResource a status schema that has it.';
  throw invalidBecause(subject, joinPath('status', name), 'the kind has no status schema', next);
}

/** One run of a schema over a value. */
interface Validation {
  readonly schema: AnySchema;
  /** Where the value stands in its object. */
  readonly path: 'spec' | 'status';
  readonly subject: Subject;
  readonly stored?: unknown;
  readonly unknownFields?: UnknownFields | undefined;
}

function validateForWriting(validation: Validation, input: unknown): JsonObject {
  const { path, subject } = validation;
  const raw = plainJson(input, subject, path, DEPTH_INSIDE_OBJECT);
  if (!isPlainObject(raw)) throw invalid(subject, path, 'an object', kindOf(input));
  const output = plainJson(runSchema(validation, raw), subject, path, DEPTH_INSIDE_OBJECT);
  // The schema took it as it is: nothing in it is unknown, and it reads back. (Some schemas change `raw` in place.)
  if (deepEqual(input, output)) return output as JsonObject;
  const { unknownFields = 'refuse' } = validation;
  if (unknownFields === 'refuse') refuseUnknownFields(validation, raw, output);
  const merged = unknownFields === 'drop' ? clone(output) : overlay(raw, output);
  if (!isPlainObject(merged)) throw invalid(subject, path, 'an object from the schema', kindOf(merged));
  if (!readsBack(validation, merged, output)) {
    const next = 'Stored objects are read by the same schema: it must accept its own output and return it unchanged.';
    throw invalidBecause(subject, path, "the schema doesn't read back what it made", next);
  }
  return merged;
}

function readsBack(validation: Validation, written: unknown, output: unknown): boolean {
  try {
    return deepEqual(plainJson(runSchema(validation, written), validation.subject, validation.path), output);
  } catch (error) {
    if (isSetpointError(error, 'Invalid')) return false;
    throw error;
  }
}

function runSchema({ schema, path, subject }: Validation, value: unknown): unknown {
  const result = callSchema(schema, value, path, subject);
  if (result.issues === undefined) return result.value;
  const all = result.issues;
  const shown = all.slice(0, ISSUES_SHOWN_MAX).map((issue) => describeIssue(issue, value, path));
  const rest = shown.slice(1).map(({ at, text }) => `; ${at}: ${text}`);
  const more = all.length > shown.length ? `; and ${all.length - shown.length} more` : '';
  const [first] = shown;
  throw invalidBecause(subject, first?.at ?? path, `${first?.text ?? 'refused by the schema'}${rest.join('')}${more}`);
}

function callSchema(
  schema: AnySchema,
  value: unknown,
  path: string,
  subject: Subject,
): StandardSchemaV1.Result<unknown> {
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    // Only its name: what a schema throws may quote the value.
    const name = error instanceof Error ? error.name : kindOf(error);
    throw invalidBecause(subject, path, `its schema threw (${name})`);
  }
  if (!(result instanceof Promise)) return result;
  result.catch(() => {});
  throw invalidBecause(subject, path, 'its schema is asynchronous, and reading objects takes a synchronous one');
}

function describeIssue(issue: StandardSchemaV1.Issue, root: unknown, path: string): { at: string; text: string } {
  let at = path;
  let value = root;
  for (const step of issue.path ?? []) {
    const key = typeof step === 'object' ? step.key : step;
    at = typeof key === 'number' ? `${at}[${key}]` : joinPath(at, String(key));
    const holder = value as Record<PropertyKey, unknown> | null | undefined;
    value = typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key) ? holder[key] : undefined;
  }
  return { at, text: `${redact(issue.message, value)} (got ${kindOf(value)})` };
}

/** From here on a string is taken out of a message wherever it occurs, below only as a word. */
const REDACT_ANYWHERE_LENGTH = 4;

/** Some schema libraries quote the value in their messages, and values must not reach an error. */
function redact(message: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return message;
  if (value === '') return message;
  const text = String(value);
  const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const anywhere = typeof value === 'string' && text.length >= REDACT_ANYWHERE_LENGTH;
  const pattern = anywhere ? escaped : `(?<![\\w.])${escaped}(?!\\w|\\.\\d)`;
  return message.replaceAll(new RegExp(pattern, 'g'), '…');
}

function refuseUnknownFields({ schema, path, subject, stored }: Validation, raw: JsonObject, output: unknown): void {
  const isAllowed = (_name: string, value: unknown, inStored: readonly unknown[]): boolean =>
    inStored.some((candidate) => deepEqual(candidate, value));
  const dropped = findDropped(raw, output, isAllowed, [stored]);
  if (!dropped) return;
  const known = knownFields(schema, dropped.parents);
  if (known?.includes(dropped.name)) return;
  const at = [...dropped.parents, dropped.name].reduce<string>(
    (so, step) => (typeof step === 'number' ? `${so}[${step}]` : joinPath(so, step)),
    path,
  );
  throw invalidBecause(subject, at, 'the schema has no such field', fieldHint(dropped.name, known ?? dropped.kept));
}

function fieldHint(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  if (nearest !== undefined) return `Did you mean ${quote(nearest)}?`;
  if (known.length === 0) return 'It takes no fields here.';
  const more = known.length > FIELDS_SHOWN_MAX ? ', …' : '';
  return `It has ${known.slice(0, FIELDS_SHOWN_MAX).map(quote).join(', ')}${more}.`;
}
