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
  /** `plural/name`. */
  readonly id: string;
}

/** A child of a kind, for `apply`: `child(Server, { name: 'web-0', spec: { … }, after: [database] })`. */
export function child<Kind extends AnyResourceDefinition>(kind: Kind, input: ChildInput<Kind>): Child {
  if (typeof input?.name !== 'string')
    throw invalid({ what: `Child ${kind.kind}` }, 'name', 'a name', kindOf(input?.name));
  return { kind, input, id: `${kind.plural}/${input.name}` };
}

/** What becomes of one child. */
export interface ChildChange {
  /** - `waiting`: for children that it comes after, or, when it is to go, that come after it. */
  readonly action: 'created' | 'updated' | 'deleted' | 'unchanged' | 'waiting';
  readonly kind: string;
  readonly name: string;
  /** Which fields change, of `updated`. */
  readonly changes: readonly Difference[];
  /** The ids that are waited for, of `waiting`. */
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

/** The children so that each comes behind those it comes after. Throws `Invalid` for a list that makes no sense. */
export function inOrder(children: readonly Child[], kinds: readonly AnyResourceDefinition[]): readonly Child[] {
  const subject = { what: 'Children' };
  if (!Array.isArray(children)) throw invalid(subject, '', 'a list made with child(…)', kindOf(children));
  const byId = new Map<string, Child>();
  for (const each of children as readonly Child[]) {
    if (typeof each?.id !== 'string') throw invalid(subject, '', 'a list made with child(…)', kindOf(each));
    if (byId.has(each.id)) throw invalidBecause(subject, each.id, 'it is there twice');
    if (!kinds.includes(each.kind)) {
      throw invalidBecause(
        subject,
        each.id,
        `${each.kind.kind} is no owned kind`,
        `Add it to the kinds that are owned.`,
      );
    }
    byId.set(each.id, each);
  }
  const ordered = new Set<Child>();
  const visit = (each: Child): void => {
    if (ordered.has(each)) return;
    for (const other of each.input.after ?? []) {
      if (byId.get(other.id) !== other) {
        throw invalidBecause(subject, each.id, `it comes after ${quote(other.id)}, which is not in the list`);
      }
      visit(other);
    }
    ordered.add(each);
  };
  for (const each of byId.values()) visit(each);
  return [...ordered];
}

/** What an object that was a child came after. */
export function afterOf({ metadata }: ResourceObject): readonly string[] {
  return metadata.annotations?.[AFTER_ANNOTATION]?.split(' ') ?? [];
}

/** Whether `owner` manages an object. */
export function isManagedBy(owner: ResourceObject, object: ResourceObject): boolean {
  return controllerOf(object.metadata)?.uid === owner.metadata.uid;
}
