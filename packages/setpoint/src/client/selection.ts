import {
  type FieldSelector,
  fieldSelector,
  keyPrefix,
  type LabelSelector,
  labelSelector,
  type AnyResourceDefinition,
  type ResourceObject,
  validateNamespace,
} from '../resource/index.ts';

/** Which objects of a kind. All conditions must hold; none selects all. */
export interface SelectOptions {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** As an object or as text, such as `app=web,tier!=db`. Default: everything. */
  readonly labelSelector?: LabelSelector | string | undefined;
  /** As an object or as text, such as `spec.nodeName=n1,status.phase!=Running`. Default: everything. */
  readonly fieldSelector?: FieldSelector | string | undefined;
}

/** A selection, checked. */
export interface Selection {
  /** Every key of it is under this. Ends with `/`. */
  readonly prefix: string;
  /** Absent when every object under the prefix is selected. */
  readonly matches: ((object: ResourceObject) => boolean) | undefined;
}

/** Reads what is to be selected. Throws `Invalid`. */
export function selectionOf(definition: AnyResourceDefinition, prefix: string, options: SelectOptions): Selection {
  const { namespace, labelSelector: labels, fieldSelector: fields } = options;
  if (namespace !== undefined) validateNamespace(namespace, 'namespace', { what: `List of ${definition.kind}` });
  const byLabels = labels === undefined ? undefined : labelSelector(labels);
  const byFields = fields === undefined ? undefined : fieldSelector(fields, definition);
  const matches =
    byLabels || byFields
      ? (object: ResourceObject) => (byLabels?.(object.metadata.labels) ?? true) && (byFields?.(object) ?? true)
      : undefined;
  const within = namespace === undefined || definition.scope === 'Cluster' ? '' : `${namespace}/`;
  return { prefix: keyPrefix(definition, prefix) + within, matches };
}
