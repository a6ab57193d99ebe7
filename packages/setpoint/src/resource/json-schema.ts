import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyResourceDefinition } from './definition.ts';
import { invalidBecause } from './describe.ts';
import { isPlainObject, type JsonObject } from './plain-json.ts';

const text = { type: 'string' } as const;
const texts = { type: 'object', additionalProperties: text } as const;

/**
 * The JSON Schema (2020-12) of a kind's objects, for editors, forms and other languages: of what may be written, so
 * that fields with a default may be absent. Throws `Invalid` where a schema can't be told as JSON Schema.
 */
export function resourceJsonSchema(definition: AnyResourceDefinition): JsonObject {
  const { apiVersion, kind, scope, specSchema, statusSchema } = definition;
  const status = statusSchema ? contentOf(statusSchema, definition, 'status') : { type: 'object' };
  const properties = isPlainObject(status['properties']) ? status['properties'] : {};
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: kind,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: kind },
      metadata: {
        type: 'object',
        required: scope === 'Namespaced' ? ['name', 'namespace'] : ['name'],
        properties: {
          name: { ...text, maxLength: 253 },
          ...(scope === 'Namespaced' && { namespace: { ...text, maxLength: 63 } }),
          labels: texts,
          annotations: texts,
          finalizers: { type: 'array', items: text },
        },
      },
      spec: contentOf(specSchema, definition, 'spec'),
      status: {
        ...status,
        properties: { ...properties, conditions: CONDITIONS, observedGeneration: { type: 'integer' } },
      },
    },
  };
}

const CONDITIONS = {
  type: 'array',
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text,
      status: { enum: ['True', 'False', 'Unknown'] },
      reason: text,
      message: text,
      lastTransitionTime: { ...text, format: 'date-time' },
      observedGeneration: { type: 'integer' },
    },
  },
};

function contentOf(
  schema: StandardSchemaV1<unknown, unknown>,
  { kind }: AnyResourceDefinition,
  path: 'spec' | 'status',
): JsonObject {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  const subject = { what: `JSON Schema of ${kind}` };
  if (!jsonSchema) {
    const next = 'Use a schema library that implements Standard JSON Schema, such as zod 4.';
    throw invalidBecause(subject, path, 'its schema has no JSON Schema', next);
  }
  try {
    const { $schema: _, ...content } = jsonSchema.input({ target: 'draft-2020-12' }) as JsonObject;
    return content;
  } catch (error) {
    throw invalidBecause(
      subject,
      path,
      `it can't be told as JSON Schema (${error instanceof Error ? error.message : ''})`,
    );
  }
}
