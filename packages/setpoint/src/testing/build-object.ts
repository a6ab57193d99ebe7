import type { ObjectInput } from '../client/index.ts';
import { seededRandom } from '../internal/random.ts';
import {
  type AnyResourceDefinition,
  type Condition,
  type ObjectMeta,
  type ObjectOf,
  ownerReferenceTo,
  type ResourceObject,
  type StatusOf,
  timestamp,
  validateSpec,
} from '../resource/index.ts';

/** An object as a test wants it: what it does not say is filled in. */
export interface ObjectRecipe<Kind extends AnyResourceDefinition> extends ObjectInput<Kind> {
  readonly status?: Partial<StatusOf<Kind>> & { readonly conditions?: readonly Condition[] };
  /** Default: one that follows from kind, namespace and name. */
  readonly uid?: string;
  /** Default `1`. */
  readonly resourceVersion?: string;
  /** Default 1. */
  readonly generation?: number;
  /** Makes it the controller of the object. */
  readonly owner?: ResourceObject;
  /** Whether its deletion was asked for. Default false. */
  readonly deleting?: boolean;
}

/** 2026-01-01, where the fake clock begins. */
const CREATED = timestamp(1_767_225_600_000);

/**
 * An object as a cache would hold it, for tests of pure functions: the spec validated and with its defaults, the
 * metadata complete and the same in every run. Throws `Invalid` for a spec that its schema refuses.
 */
export function buildObject<Kind extends AnyResourceDefinition>(
  kind: Kind,
  recipe: ObjectRecipe<Kind>,
): ObjectOf<Kind> {
  const { name, spec, status, owner, deleting } = recipe;
  const namespace = kind.scope === 'Cluster' ? undefined : (recipe.namespace ?? owner?.metadata.namespace ?? 'default');
  const references = [...(recipe.ownerReferences ?? []), ...(owner ? [ownerReferenceTo(owner)] : [])];
  const metadata: ObjectMeta = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: recipe.uid ?? uidOf(`${kind.kind}/${namespace ?? ''}/${name}`),
    resourceVersion: recipe.resourceVersion ?? '1',
    generation: recipe.generation ?? 1,
    creationTimestamp: CREATED,
    ...(deleting ? { deletionTimestamp: CREATED } : {}),
    ...(recipe.labels && { labels: recipe.labels }),
    ...(recipe.annotations && { annotations: recipe.annotations }),
    ...(references.length > 0 ? { ownerReferences: references } : {}),
    ...(recipe.finalizers && { finalizers: recipe.finalizers }),
  };
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata,
    spec: validateSpec(kind, spec),
    ...(status ? { status } : {}),
  } as unknown as ObjectOf<Kind>;
}

/** A condition, with what a test does not care about filled in. */
export function buildCondition(
  type: string,
  status: boolean | Condition['status'] = true,
  more: Partial<Condition> = {},
): Condition {
  const text = typeof status === 'string' ? status : status ? 'True' : 'False';
  return { type, status: text, reason: 'Built', message: '', lastTransitionTime: CREATED, ...more };
}

function uidOf(text: string): string {
  let seed = 0;
  for (const char of text) seed = (Math.imul(seed, 31) + char.codePointAt(0)!) >>> 0;
  return seededRandom(seed).uuid();
}
