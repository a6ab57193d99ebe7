import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ResourceDefinition, ScalePaths, Scope, UnknownFields } from './definition.ts';
import { invalid, invalidBecause, kindOf, quote } from './describe.ts';
import { isDnsLabel, isDnsSubdomain } from './names.ts';
import { nearestName } from './nearest-name.ts';

/** Any Standard Schema: zod, valibot, arktype and others. */
type AnySchema = StandardSchemaV1<unknown, unknown>;

export interface ResourceOptions<SpecSchema extends AnySchema, StatusSchema extends AnySchema> {
  /** A DNS name that you own, such as `demo.dev`. */
  readonly group: string;
  /** `v1`, `v1beta2`, … */
  readonly version: string;
  /** CamelCase, singular: `Website`. */
  readonly kind: string;
  /** Lower case; the key segment that the kind's objects live under: `websites`. */
  readonly plural: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  /** Default `Namespaced`. */
  readonly scope?: Scope;
  /**
   * Validates `spec` and fills in its defaults, on writes and again on reads. It must be synchronous, and accept its
   * own output unchanged, as JSON.
   */
  readonly spec: SpecSchema;
  /**
   * Validates `status` on writes. `conditions` and `observedGeneration` are the library's own: leave them out.
   * Without one, status is those two alone.
   */
  readonly status?: StatusSchema;
  /** Makes the `scale` calls of the kind's client work. */
  readonly scale?: ScalePaths;
  /** Paths of fields that keep the value they were created with, such as `spec.storageClass`. */
  readonly immutable?: readonly string[];
  /** Lets an update without a `resourceVersion` overwrite whatever is there. Default false: it is refused. */
  readonly unconditionalUpdate?: boolean;
  /** What becomes of fields that the schema doesn't know. Default `refuse`. */
  readonly unknownFields?: UnknownFields;
}

const OPTION_NAMES = [
  'group',
  'version',
  'kind',
  'plural',
  'singular',
  'shortNames',
  'scope',
  'spec',
  'status',
  'scale',
  'immutable',
  'unconditionalUpdate',
  'unknownFields',
] satisfies (keyof ResourceOptions<AnySchema, AnySchema>)[];
const VERSION = /^v[1-9][0-9]{0,8}(?:(?:alpha|beta)[1-9][0-9]{0,8})?$/;
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/;

/**
 * Makes the definition of a kind: plain, frozen data, with all types inferred from the schemas. Throws `Invalid` for a
 * name that breaks Kubernetes' rules.
 */
export function defineResource<
  SpecSchema extends AnySchema,
  StatusSchema extends AnySchema = StandardSchemaV1<unknown, object>,
>(
  options: ResourceOptions<SpecSchema, StatusSchema>,
): ResourceDefinition<
  StandardSchemaV1.InferOutput<SpecSchema>,
  StandardSchemaV1.InferInput<SpecSchema>,
  StandardSchemaV1.InferOutput<StatusSchema>
> {
  validateOptions(options);
  const { group, version, kind, plural } = options;
  return Object.freeze({
    group,
    version,
    apiVersion: `${group}/${version}`,
    kind,
    plural,
    singular: options.singular ?? kind.toLowerCase(),
    shortNames: Object.freeze([...(options.shortNames ?? [])]),
    scope: options.scope ?? 'Namespaced',
    specSchema: options.spec,
    statusSchema: options.status,
    scale: options.scale && Object.freeze({ ...options.scale }),
    immutable: Object.freeze([...(options.immutable ?? [])]),
    unconditionalUpdate: options.unconditionalUpdate ?? false,
    unknownFields: options.unknownFields ?? 'refuse',
  });
}

function validateOptions(options: ResourceOptions<AnySchema, AnySchema>): void {
  const subject = { what: `Resource ${typeof options.kind === 'string' ? quote(options.kind) : 'definition'}` };
  const check = (fits: boolean, path: string, expected: string, value: unknown): void => {
    if (!fits) throw invalid(subject, path, expected, typeof value === 'string' ? quote(value) : kindOf(value));
  };
  for (const name of Object.keys(options)) {
    if ((OPTION_NAMES as string[]).includes(name)) continue;
    const nearest = nearestName(name, OPTION_NAMES);
    const hint = nearest === undefined ? `It takes ${OPTION_NAMES.join(', ')}.` : `Did you mean ${quote(nearest)}?`;
    throw invalidBecause(subject, name, 'there is no such option', hint);
  }
  check(isDnsSubdomain(options.group), 'group', 'a DNS name such as "demo.dev"', options.group);
  check(
    typeof options.version === 'string' && VERSION.test(options.version),
    'version',
    'v1, v1beta1, …',
    options.version,
  );
  check(
    typeof options.kind === 'string' && KIND.test(options.kind),
    'kind',
    'CamelCase letters and digits',
    options.kind,
  );
  check(isDnsLabel(options.plural), 'plural', 'a lower-case DNS label such as "websites"', options.plural);
  const singular = options.singular ?? options.kind.toLowerCase();
  check(isDnsLabel(singular), 'singular', 'a lower-case DNS label', singular);
  for (const name of options.shortNames ?? []) check(isDnsLabel(name), 'shortNames', 'lower-case DNS labels', name);
  const scope: unknown = options.scope ?? 'Namespaced';
  check(scope === 'Namespaced' || scope === 'Cluster', 'scope', '"Namespaced" or "Cluster"', scope);
  check(isSchema(options.spec), 'spec', 'a Standard Schema (zod, valibot, arktype, …)', options.spec);
  const status: unknown = options.status;
  check(status === undefined || isSchema(status), 'status', 'a Standard Schema, or nothing', status);
  const policy: unknown = options.unknownFields ?? 'refuse';
  check(['refuse', 'drop', 'keep'].includes(policy as string), 'unknownFields', '"refuse", "drop" or "keep"', policy);
  const { specReplicasPath = 'spec.x', statusReplicasPath = 'status.x' } = options.scale ?? {};
  check(isPathIn('spec', specReplicasPath), 'scale.specReplicasPath', 'a path such as "spec.x"', specReplicasPath);
  check(isPathIn('status', statusReplicasPath), 'scale.statusReplicasPath', 'such as "status.x"', statusReplicasPath);
  for (const path of options.immutable ?? [])
    check(isPathIn('spec', path), 'immutable', 'paths such as "spec.x"', path);
}

function isPathIn(root: 'spec' | 'status', path: unknown): boolean {
  return typeof path === 'string' && path.startsWith(`${root}.`) && !path.split('.').includes('');
}

/** Schemas are objects, or functions as in arktype. */
function isSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const props = (value as Partial<AnySchema>)['~standard'];
  return typeof props?.validate === 'function';
}
