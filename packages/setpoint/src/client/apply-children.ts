import { isSetpointError } from '../errors/index.ts';
import { type AnyResourceDefinition, differences, isDeleting, type ResourceObject } from '../resource/index.ts';
import type { CallOptions } from '../store/index.ts';
import { callOptions } from './call-options.ts';
import {
  AFTER_ANNOTATION,
  afterOf,
  type Child,
  type ChildChange,
  type ChildrenReport,
  idBelow,
  inOrder,
  type PlacedChild,
} from './children.ts';
import type { ResourceClient } from './resource-client.ts';

export interface ApplyChildrenOptions extends CallOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined;
  /** Whether objects of the kinds that the owner manages and that are not listed are deleted. Default true. */
  readonly prune?: boolean | undefined;
}

/** What an apply of children works with. */
export interface ChildrenScope {
  readonly client: { resource(kind: AnyResourceDefinition): ResourceClient<AnyResourceDefinition> };
  readonly owner: ResourceObject;
  /** The kinds of the children, listed or not. */
  readonly kinds: readonly AnyResourceDefinition[];
  /** The objects of a kind that the owner manages, as far as is known. */
  readonly managed: (kind: AnyResourceDefinition) => Promise<readonly ResourceObject[]> | readonly ResourceObject[];
}

/**
 * Brings the children of an owner about: creates and updates those listed, in order, and deletes those it manages that
 * are not. A child that comes after others waits until they are ready; one that goes, goes before those it came after.
 * What waits is in the report: apply again when something has changed.
 */
export async function applyChildren(
  scope: ChildrenScope,
  children: readonly Child[],
  options: ApplyChildrenOptions,
): Promise<ChildrenReport> {
  const ordered = inOrder(children, scope.kinds, scope.owner);
  const there = new Map<string, ResourceObject>();
  const kindOf = new Map<string, AnyResourceDefinition>();
  for (const kind of scope.kinds) {
    for (const object of await scope.managed(kind)) {
      const { name, namespace } = object.metadata;
      const id = idBelow(scope.owner, kind, name, namespace);
      there.set(id, object);
      kindOf.set(id, kind);
    }
  }
  const applied: ChildChange[] = [];
  const ready = new Set<string>();
  for (const each of ordered) {
    const waitsFor = each.after.filter((id) => !ready.has(id));
    const before = there.get(each.id);
    if (waitsFor.length > 0) {
      const { kind, namespace, input } = each;
      applied.push({ action: 'waiting', kind: kind.kind, namespace, name: input.name, changes: [], waitsFor });
      continue;
    }
    const { object, change } = await applyOne(scope, each, before, options);
    applied.push(change);
    const isReady = !isDeleting(object.metadata) && (each.input.ready?.(object as never) ?? true);
    if (isReady) ready.add(each.id);
  }
  if (options.prune ?? true) {
    const listed = new Set(ordered.map(({ id }) => id));
    const leaving = [...there].filter(([id]) => !listed.has(id));
    for (const [id, object] of leaving) {
      const waitsFor = [...there].flatMap(([other, { metadata }]) =>
        other !== id && afterOf({ metadata } as ResourceObject).includes(id) && !listed.has(other) ? [other] : [],
      );
      applied.push(await pruneOne(scope, kindOf.get(id)!, object, { id, waitsFor, options }));
    }
  }
  return { children: applied, complete: applied.every(({ action }) => action !== 'waiting') };
}

async function applyOne(
  { client, owner }: ChildrenScope,
  { kind, input, namespace, after }: PlacedChild,
  before: ResourceObject | undefined,
  options: ApplyChildrenOptions,
): Promise<{ readonly object: ResourceObject; readonly change: ChildChange }> {
  const { name, labels, spec } = input;
  // An apply takes no annotation away: what it once came after is cleared, or two could wait for each other to go.
  const hasOrder = after.length > 0 || (before && afterOf(before).length > 0);
  const order = hasOrder ? { [AFTER_ANNOTATION]: after.join(' ') } : {};
  const annotations = { ...input.annotations, ...order };
  const wanted = { name, ...(namespace !== undefined && { namespace }), labels, annotations, spec, owner };
  const call = { dryRun: options.dryRun, from: before as never, ...callOptions(options) };
  const object: ResourceObject = await client.resource(kind).apply(wanted as never, call);
  const changes = before ? differences(content(before), content(object)) : [];
  const isSame = before?.metadata.resourceVersion === object.metadata.resourceVersion && changes.length === 0;
  const action = !before ? 'created' : isSame ? 'unchanged' : 'updated';
  return { object, change: { action, kind: kind.kind, namespace, name, changes, waitsFor: [] } };
}

async function pruneOne(
  { client }: ChildrenScope,
  kind: AnyResourceDefinition,
  object: ResourceObject,
  about: { readonly id: string; readonly waitsFor: readonly string[]; readonly options: ApplyChildrenOptions },
): Promise<ChildChange> {
  const { name, namespace, uid } = object.metadata;
  const { id, waitsFor, options } = about;
  const change = { kind: kind.kind, namespace, name, changes: [], waitsFor };
  if (waitsFor.length > 0) return { ...change, action: 'waiting' };
  if (isDeleting(object.metadata)) return { ...change, action: 'waiting', waitsFor: [id] };
  const { dryRun } = options;
  try {
    await client.resource(kind).delete(object as never, { uid, dryRun, ...callOptions(options) });
  } catch (error) {
    // Gone, or another incarnation: either way this very one is no more.
    if (!isSetpointError(error, 'NotFound') && !isSetpointError(error, 'Conflict')) throw error;
  }
  return { ...change, action: 'deleted' };
}

/** What a child says, without what every version says anew. */
function content({ metadata: { labels, annotations, ownerReferences }, spec }: ResourceObject): object {
  return { metadata: { labels, annotations, ownerReferences }, spec };
}
