import {
  type FieldSelector,
  fieldSelector,
  invalid,
  keyPrefix,
  type LabelSelector,
  labelSelector,
  type AnyResourceDefinition,
  type ResourceObject,
  validateNamespace,
} from '../resource/index.ts';

/** Which objects of a kind. All conditions must hold; none selects all. */
export interface SelectOptions {
  /** Default: all namespaces. A cluster-scoped kind takes none. */
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
  const subject = { what: `List of ${definition.kind}` };
  if (namespace !== undefined) {
    validateNamespace(namespace, 'namespace', subject);
    // To leave it out in silence would select every object, also for deleteCollection.
    if (definition.scope === 'Cluster') {
      throw invalid(subject, 'namespace', 'none, since the kind is cluster-scoped', `'${namespace}'`);
    }
  }
  const byLabels = labels === undefined ? undefined : labelSelector(labels);
  const byFields = fields === undefined ? undefined : fieldSelector(fields, definition);
  const matches =
    byLabels || byFields
      ? (object: ResourceObject) => (byLabels?.(object.metadata.labels) ?? true) && (byFields?.(object) ?? true)
      : undefined;
  const within = namespace === undefined ? '' : `${namespace}/`;
  return { prefix: keyPrefix(definition, prefix) + within, matches };
}
