import { applyPatch, type Operation as PatchOperation } from 'rfc6902';
import { SetpointError } from '../errors/index.ts';
import {
  type AnyResourceDefinition,
  clone,
  deepEqual,
  invalid,
  invalidBecause,
  isPlainObject,
  type JsonObject,
  kindOf,
  type MergePatch,
  mergePatch,
  nearestName,
  type ObjectMeta,
  type ObjectOf,
  plainJson,
  quote,
  type SpecInputOf,
  type StatusOf,
  type Subject,
} from '../resource/index.ts';
import type { ObjectChanges } from './object-input.ts';
import { revise, reviseStatus } from './revise.ts';

/** The part of an object's metadata that a patch may change. */
type PatchableMetadata = Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences' | 'finalizers'>;

/** A merge patch of an object: see {@link MergePatch}. */
export interface ObjectPatch<Definition> {
  readonly metadata?: MergePatch<PatchableMetadata>;
  readonly spec?: MergePatch<SpecInputOf<Definition>>;
}

/** The same of its status. */
export interface StatusPatch<Definition> {
  readonly status: MergePatch<StatusOf<Definition>>;
}

/** One operation of a JSON patch (RFC 6902). Paths are JSON pointers from the object's root: `/spec/replicas`. */
export type JsonPatchOperation = PatchOperation;

const ROOTS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];
const PATCHABLE = ['labels', 'annotations', 'ownerReferences', 'finalizers'];
const STEPS_REFUSED = new Set(['__proto__', 'constructor', 'prototype']);
const OPERATIONS_MAX = 10_000;

/** The object with a merge patch applied, not yet validated. */
export function merged(base: object, patch: unknown, subject: Subject): unknown {
  if (!isPlainObject(patch)) throw invalid(subject, 'patch', 'an object', kindOf(patch));
  return mergePatch(base, plainJson(patch, subject, ''));
}

/**
 * The object with a JSON patch applied, not yet validated. Throws `Conflict` when a `test` fails, `Invalid` for an
 * operation that makes no sense. An element of a list can only be removed behind a test of what it is: indexes move.
 */
export function patched(base: object, operations: readonly JsonPatchOperation[], subject: Subject): unknown {
  checkOperations(operations, subject);
  const result: unknown = clone(base);
  const errors = applyPatch(result, clone(operations) as PatchOperation[]);
  const index = errors.findIndex((error) => error !== null);
  if (index === -1) return result;
  const { op, path } = operations[index]!;
  const at = `patch[${index}]`;
  if (op === 'test') {
    const message = `${subject.what}: ${at}: the test of ${quote(path)} failed. Nothing was written. Read it and decide again.`;
    throw new SetpointError('Conflict', message, { details: { ...subject.details, path: at } });
  }
  throw invalidBecause(subject, at, `${op} of ${quote(path)} can't be done: there is nothing at that path`);
}

function checkOperations(operations: readonly JsonPatchOperation[], subject: Subject): void {
  if (!Array.isArray(operations)) throw invalid(subject, 'patch', 'a list of operations', kindOf(operations));
  if (operations.length > OPERATIONS_MAX) {
    throw invalid(subject, 'patch', `at most ${OPERATIONS_MAX} operations`, String(operations.length));
  }
  const tested = new Set<string>();
  for (const [index, operation] of (operations as unknown[]).entries()) {
    const at = `patch[${index}]`;
    if (!isPlainObject(operation)) throw invalid(subject, at, 'an operation', kindOf(operation));
    const { op, path, from, value } = operation;
    checkPointer(path, `${at}.path`, subject);
    if (op === 'move' || op === 'copy') checkPointer(from, `${at}.from`, subject);
    else if (op === 'add' || op === 'replace' || op === 'test') plainJson(value, subject, `${at}.value`);
    else if (op !== 'remove')
      throw invalid(subject, `${at}.op`, 'add, remove, replace, move, copy or test', kindOf(op));
    if (op === 'test') tested.add(path);
    if ((op === 'remove' || op === 'replace') && isElement(path) && !tested.has(path)) {
      const next = 'Put a test of the same path before it: indexes move when others write.';
      throw invalidBecause(subject, at, `${op} of a list's element without a test of what it is`, next);
    }
  }
}

function checkPointer(pointer: unknown, path: string, subject: Subject): asserts pointer is string {
  if (typeof pointer !== 'string' || !/^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer)) {
    throw invalid(subject, path, 'a JSON pointer such as "/spec/replicas"', kindOf(pointer));
  }
  const step = pointer.split('/').find((name) => STEPS_REFUSED.has(name));
  if (step !== undefined) throw invalidBecause(subject, path, `a step called ${quote(step)} is refused`);
}

const isElement = (pointer: string): boolean =>
  /\/\d+$/.test(pointer) && /^\/metadata\/(finalizers|ownerReferences)\//.test(pointer);

/**
 * The next version of an object by what a patch made of it. Refuses, with `Invalid`, a change of what no client decides,
 * or of the part that is written apart.
 */
export function revisePatched<Definition extends AnyResourceDefinition>(
  definition: Definition,
  base: ObjectOf<Definition>,
  result: unknown,
  { subject, subresource }: { readonly subject: Subject; readonly subresource: 'status' | undefined },
): ObjectOf<Definition> {
  if (!isPlainObject(result)) throw invalid(subject, '', 'an object', kindOf(result));
  checkNames(result, [...ROOTS, ...Object.keys(base)], '', subject);
  const { metadata } = result;
  if (!isPlainObject(metadata)) throw invalid(subject, 'metadata', 'an object', kindOf(metadata));
  refuseDecided(base, result, metadata, subject);
  const other = subresource === 'status' ? 'spec' : 'status';
  const otherChanged = !deepEqual(result[other], base[other]);
  const metadataChanged = PATCHABLE.some((name) => !deepEqual(metadata[name], base.metadata[name as keyof ObjectMeta]));
  if (otherChanged || (subresource === 'status' && metadataChanged)) {
    const next = subresource === 'status' ? 'Leave it out, or the subresource.' : "Say { subresource: 'status' }.";
    throw invalidBecause(subject, otherChanged ? other : 'metadata', 'it is written apart from the rest', next);
  }
  if (subresource === 'status') return reviseStatus(definition, base, result['status'] ?? {}, subject);
  if (result['spec'] === undefined) throw invalid(subject, 'spec', 'an object', 'nothing', 'A spec has to stay.');
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = metadata as PatchableMetadata;
  const changes = { labels, annotations, ownerReferences, finalizers, spec: result['spec'] };
  return revise(definition, base, changes as ObjectChanges<Definition>, { subject });
}

function refuseDecided(base: object, result: JsonObject, metadata: JsonObject, subject: Subject): void {
  const before = base as ObjectOf<AnyResourceDefinition>;
  for (const name of new Set(['apiVersion', 'kind', ...Object.keys(base)])) {
    if (['metadata', 'spec', 'status'].includes(name)) continue;
    const same = deepEqual(result[name], (before as unknown as JsonObject)[name]);
    if (!same) throw invalidBecause(subject, name, "it can't be changed");
  }
  const known = [...PATCHABLE, ...Object.keys(before.metadata)];
  checkNames(metadata, known, 'metadata', subject);
  for (const name of new Set(known)) {
    if (PATCHABLE.includes(name)) continue;
    if (deepEqual(metadata[name], before.metadata[name as keyof ObjectMeta])) continue;
    throw invalidBecause(subject, `metadata.${name}`, "the library decides it, and it can't be changed. Leave it out");
  }
}

function checkNames(object: JsonObject, known: readonly string[], path: string, subject: Subject): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name) && !known.includes('*'));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? undefined : `Did you mean ${quote(nearest)}?`;
  throw invalidBecause(subject, path === '' ? unknown : `${path}.${unknown}`, 'there is no such field', hint);
}
