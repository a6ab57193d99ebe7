import type { AnyResourceDefinition, ResourceObject } from './definition.ts';
import { invalid, invalidBecause, kindOf, quote } from './describe.ts';
import { knownFields } from './known-fields.ts';
import { nearestName } from './nearest-name.ts';

/** Values that fields must have, by path: `{ 'spec.nodeName': 'n1', 'metadata.namespace': 'default' }`. */
export type FieldSelector = Readonly<Record<string, string | number | boolean>>;

export type ObjectPredicate = (object: ResourceObject) => boolean;

const SUBJECT = { what: 'Field selector' };
const PATH = /^(?:metadata|spec|status)(?:\.[A-Za-z_$][\w$-]*)+$/;
const NEXT = 'Write path=value or path!=value, joined with commas; a comma, "=" or "\\" in a value follows a "\\".';

interface Requirement {
  readonly path: readonly string[];
  readonly wanted: string;
  readonly equal: boolean;
}

/**
 * The predicate of a field selector, given as an object or as text such as `spec.nodeName=n1,status.phase!=Running`.
 * Texts, numbers and booleans are compared as text; a field that is absent, or holds an object or list, equals
 * nothing, so that `!=` selects it. Throws `Invalid` for what it can't read, and, where `definition` is given and its
 * schemas can say what fields there are, for a name that is nearly one of theirs: what is misspelt selects nothing, or
 * with `!=` everything.
 */
export function fieldSelector(selector: FieldSelector | string, definition?: AnyResourceDefinition): ObjectPredicate {
  const requirements = typeof selector === 'string' ? parse(selector) : entriesOf(selector);
  if (definition) for (const { path } of requirements) refuseMisspelt(definition, path);
  return (object) => requirements.every(({ path, wanted, equal }) => (textAt(object, path) === wanted) === equal);
}

function entriesOf(selector: FieldSelector): Requirement[] {
  if (typeof selector !== 'object' || selector === null) {
    throw invalid(SUBJECT, 'fieldSelector', 'an object or a text', kindOf(selector), NEXT);
  }
  return Object.entries(selector).map(([path, value]) => {
    const scalar = ['string', 'number', 'boolean'].includes(typeof value);
    if (!scalar) throw invalid(SUBJECT, path, 'a text, number or boolean', kindOf(value));
    return { path: stepsOf(path), wanted: String(value), equal: true };
  });
}

function parse(text: string): Requirement[] {
  if (text.trim() === '') return [];
  return (text.match(/(?:\\.|[^,\\])+|,(?=,|$)|^(?=,)/gs) ?? []).map((term) => {
    const parts = /^([^\s=!\\]+)\s*(==|=|!=)\s*((?:\\[,=\\]|[^\\=])*)$/s.exec(term.trim());
    if (!parts) throw invalidBecause(SUBJECT, 'fieldSelector', `can't read ${quote(term)}`, NEXT);
    const [, path = '', operator, value = ''] = parts;
    return { path: stepsOf(path), wanted: value.replaceAll(/\\(.)/gs, '$1'), equal: operator !== '!=' };
  });
}

function stepsOf(path: string): readonly string[] {
  if (PATH.test(path)) return path.split('.');
  const expected = 'a path such as "metadata.name", "spec.nodeName" or "status.phase"';
  throw invalid(SUBJECT, 'fieldSelector', expected, quote(path), 'Labels are selected by a label selector.');
}

function refuseMisspelt({ kind, specSchema, statusSchema }: AnyResourceDefinition, path: readonly string[]): void {
  const [root, ...steps] = path;
  const schema = root === 'spec' ? specSchema : root === 'status' ? statusSchema : undefined;
  if (!schema) return;
  for (const [index, name] of steps.entries()) {
    const known = knownFields(schema, steps.slice(0, index));
    if (!known || known.includes(name)) continue;
    const nearest = nearestName(name, known);
    if (nearest === undefined) return;
    const at = path.slice(0, index + 2).join('.');
    throw invalidBecause(SUBJECT, 'fieldSelector', `${kind} has no ${at}`, `Did you mean ${quote(nearest)}?`);
  }
}

function textAt(object: ResourceObject, path: readonly string[]): string | undefined {
  let value: unknown = object;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}
