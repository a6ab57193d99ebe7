import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { isPlainObject, type JsonObject } from './plain-json.ts';

const converted = new WeakMap<object, JsonObject | undefined>();

/**
 * The field names that a schema takes at a path, when it can say so as Standard JSON Schema (zod can); otherwise, and
 * where any name is fine, undefined.
 */
export function knownFields(
  schema: StandardSchemaV1<unknown, unknown>,
  path: readonly (string | number)[],
): readonly string[] | undefined {
  const root = jsonSchemaOf(schema);
  if (!root) return undefined;
  let nodes = expand(root, root);
  for (const step of path) nodes = nodes.flatMap((node) => child(node, step)).flatMap((node) => expand(node, root));
  const names = nodes.flatMap((node) => (isPlainObject(node.properties) ? Object.keys(node.properties) : []));
  return names.length === 0 ? undefined : [...new Set(names)];
}

function jsonSchemaOf(schema: StandardSchemaV1<unknown, unknown>): JsonObject | undefined {
  if (converted.has(schema)) return converted.get(schema);
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  let result: JsonObject | undefined;
  try {
    result = jsonSchema?.input({ target: 'draft-2020-12' });
  } catch {
    // The schema has something that JSON Schema can't express. It is for a hint only.
    result = undefined;
  }
  converted.set(schema, result);
  return result;
}

/** A node with all that it refers to and combines. `seen` ends recursive references. */
function expand(node: JsonObject, root: JsonObject, seen = new Set<JsonObject>()): JsonObject[] {
  if (seen.has(node)) return [];
  seen.add(node);
  const parts = [node.allOf, node.anyOf, node.oneOf].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  const target = typeof node.$ref === 'string' ? resolve(node.$ref, root) : undefined;
  const others = [...parts, target].filter(isPlainObject);
  return [node, ...others.flatMap((other) => expand(other, root, seen))];
}

function resolve(reference: string, root: JsonObject): unknown {
  if (!reference.startsWith('#')) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(1).split('/').filter(Boolean)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    node = isPlainObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}

function child(node: JsonObject, step: string | number): JsonObject[] {
  if (typeof step === 'number') {
    const fixed = Array.isArray(node.prefixItems) ? (node.prefixItems as unknown[])[step] : undefined;
    return [fixed ?? node.items].filter(isPlainObject);
  }
  const { properties, additionalProperties } = node;
  const own = isPlainObject(properties) && Object.hasOwn(properties, step) ? properties[step] : additionalProperties;
  return [own].filter(isPlainObject);
}
