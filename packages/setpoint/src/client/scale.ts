import {
  type AnyResourceDefinition,
  invalid,
  kindOf,
  type ObjectOf,
  type Subject,
  valueAt,
  withValueAt,
} from '../resource/index.ts';

/** How many there should be, and are, of what an object stands for, of whatever kind it is. */
export interface Scale {
  readonly replicas: number;
  /** Absent while the status doesn't say. */
  readonly readyReplicas?: number;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Throws `Invalid` for a kind without a scale, and where the path has no whole number. */
export function scaleOf(
  definition: AnyResourceDefinition,
  object: ObjectOf<AnyResourceDefinition>,
  subject: Subject,
): Scale {
  const { specReplicasPath, statusReplicasPath } = scalePaths(definition, subject);
  const replicas = valueAt(object, specReplicasPath);
  if (!isCount(replicas)) throw invalid(subject, specReplicasPath, 'a whole number', kindOf(replicas));
  const ready = statusReplicasPath === undefined ? undefined : valueAt(object, statusReplicasPath);
  const { uid, resourceVersion } = object.metadata;
  return { replicas, ...(isCount(ready) ? { readyReplicas: ready } : {}), uid, resourceVersion };
}

/** The spec of an object scaled to so many. */
export function scaledSpec(
  definition: AnyResourceDefinition,
  object: ObjectOf<AnyResourceDefinition>,
  replicas: number,
  subject: Subject,
): unknown {
  const { specReplicasPath } = scalePaths(definition, subject);
  return valueAt(withValueAt(object, specReplicasPath, replicas), 'spec');
}

export function checkReplicas(replicas: unknown, subject: Subject): asserts replicas is number {
  if (isCount(replicas)) return;
  const came = typeof replicas === 'number' ? String(replicas) : kindOf(replicas);
  throw invalid(subject, 'replicas', 'a whole number of at least 0', came);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function scalePaths({ kind, scale }: AnyResourceDefinition, subject: Subject) {
  if (scale) return scale;
  const next = `Give defineResource of ${kind} { scale: { specReplicasPath: 'spec.replicas' } }.`;
  throw invalid(subject, 'scale', 'a kind that has a scale', 'one without', next);
}
