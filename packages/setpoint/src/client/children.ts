import {
  type AnyResourceDefinition,
  controllerOf,
  type DeepReadonly,
  type Difference,
  invalid,
  invalidBecause,
  kindOf,
  type ObjectOf,
  quote,
  type ResourceObject,
  type SpecInputOf,
} from '../resource/index.ts';

/** One object that should be there for its owner's sake. */
export interface ChildInput<Kind extends AnyResourceDefinition> {
  /** Choose it so that it is the same the next time: then nothing is ever made twice. */
  readonly name: string;
  /** Only for a cluster-scoped owner; otherwise the owner's, always. Default then: `default`. */
  readonly namespace?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly spec: DeepReadonly<SpecInputOf<Kind>>;
  /** Children that have to be ready before this one is made or changed, and that go after it. */
  readonly after?: readonly Child[] | undefined;
  /** When those that come after this one may be made. Default: as soon as it exists. */
  readonly ready?: ((object: ObjectOf<Kind>) => boolean) | undefined;
}

/** Made by {@link child}. */
export interface Child {
  readonly kind: AnyResourceDefinition;
  readonly input: ChildInput<AnyResourceDefinition>;
}

/** A child of a kind, for `apply`: `child(Server, { name: 'web-0', spec: { … }, after: [database] })`. */
export function child<Kind extends AnyResourceDefinition>(kind: Kind, input: ChildInput<Kind>): Child {
  if (typeof input?.name !== 'string')
    throw invalid({ what: `Child ${kind.kind}` }, 'name', 'a name', kindOf(input?.name));
  return { kind, input };
}

/** What becomes of one child. */
export interface ChildChange {
  /** - `waiting`: for children that it comes after, or, when it is to go, that come after it. */
  readonly action: 'created' | 'updated' | 'deleted' | 'unchanged' | 'waiting';
  readonly kind: string;
  /** Undefined for a cluster-scoped kind. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** Which fields change, of `updated`. */
  readonly changes: readonly Difference[];
  /**
   * What is waited for, of `waiting`: `plural/name`, and `plural/namespace/name` for a child of a cluster-scoped owner
   * that isn't in `default`.
   */
  readonly waitsFor: readonly string[];
}

/** What an apply of children came to. */
export interface ChildrenReport {
  readonly children: readonly ChildChange[];
  /** Nothing waits: every child is as it should be, and none is left that shouldn't be there. */
  readonly complete: boolean;
}

/** Where a child keeps what it comes after, so that it can go before it when nobody lists it any more. */
export const AFTER_ANNOTATION = 'setpoint.dev/after';

/** A child with the namespace that it gets, if its kind has any, and the name that the report has for it. */
export interface PlacedChild extends Child {
  readonly id: string;
  readonly namespace: string | undefined;
  /** The ids of those it comes after. */
  readonly after: readonly string[];
}

/** The children so that each comes behind those it comes after. Throws `Invalid` for a list that makes no sense. */
export function inOrder(
  children: readonly Child[],
  kinds: readonly AnyResourceDefinition[],
  owner: ResourceObject,
): readonly PlacedChild[] {
  const subject = { what: 'Children' };
  if (!Array.isArray(children)) throw invalid(subject, '', 'a list made with child(…)', kindOf(children));
  const ids = new Map<Child, string>();
  const listed = new Set<string>();
  for (const each of children as readonly Child[]) {
    if (typeof each?.input?.name !== 'string') throw invalid(subject, '', 'a list made with child(…)', kindOf(each));
    const id = idBelow(owner, each.kind, each.input.name, each.input.namespace);
    if (listed.has(id)) throw invalidBecause(subject, id, 'it is there twice');
    if (!kinds.includes(each.kind)) {
      throw invalidBecause(subject, id, `${each.kind.kind} is no owned kind`, `Add it to the kinds that are owned.`);
    }
    ids.set(each, id);
    listed.add(id);
  }
  const ordered = new Map<Child, PlacedChild>();
  const visit = (each: Child): void => {
    if (ordered.has(each)) return;
    const id = ids.get(each)!;
    const after = (each.input.after ?? []).map((other) => {
      const otherId = ids.get(other);
      if (otherId !== undefined) return otherId;
      if (typeof other?.input?.name !== 'string')
        throw invalid(subject, id, 'after: made with child(…)', kindOf(other));
      const named = `${other.kind.plural}/${other.input.name}`;
      throw invalidBecause(subject, id, `it comes after ${quote(named)}, which is not in the list`);
    });
    each.input.after?.forEach(visit);
    ordered.set(each, { ...each, id, after, namespace: namespaceBelow(owner, each.kind, each.input.namespace) });
  };
  for (const each of ids.keys()) visit(each);
  return [...ordered.values()];
}

/** Names an object among all that an owner can have. */
export function idBelow(
  { metadata }: ResourceObject,
  { plural, scope }: AnyResourceDefinition,
  name: string,
  namespace: string | undefined,
): string {
  const isAtHome = scope === 'Cluster' || namespace === undefined || namespace === (metadata.namespace ?? 'default');
  return isAtHome ? `${plural}/${name}` : `${plural}/${namespace}/${name}`;
}

function namespaceBelow(
  { kind: ownerKind, metadata: { namespace } }: ResourceObject,
  kind: AnyResourceDefinition,
  asked: string | undefined,
): string | undefined {
  const subject = { what: `Child ${kind.kind}` };
  if (kind.scope === 'Cluster') {
    if (namespace === undefined) return undefined;
    throw invalidBecause(
      subject,
      'namespace',
      `it is cluster-scoped, so ${ownerKind}, which has a namespace, can't own it`,
    );
  }
  if (namespace !== undefined && asked !== undefined && asked !== namespace) {
    throw invalidBecause(subject, 'namespace', `it lives in its owner's namespace`, 'Leave it out.');
  }
  return namespace ?? asked ?? 'default';
}

/** What an object that was a child came after. */
export function afterOf({ metadata }: ResourceObject): readonly string[] {
  return metadata.annotations?.[AFTER_ANNOTATION]?.split(' ').filter((id) => id !== '') ?? [];
}

/** Whether `owner` manages an object. */
export function isManagedBy(owner: ResourceObject, object: ResourceObject): boolean {
  return controllerOf(object.metadata)?.uid === owner.metadata.uid;
}
