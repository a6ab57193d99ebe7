import type { AnyResourceDefinition } from './definition.ts';
import { invalid, kindOf, type Subject } from './describe.ts';
import type { ObjectName } from './key.ts';
import { checkManagedFields } from './managed-fields.ts';
import { validateOwnerReferences } from './owner-reference.ts';
import { isPlainObject, type JsonObject } from './plain-json.ts';

/** A stored object whose envelope has been looked at, still the reader's own to complete. */
export interface StoredShape {
  apiVersion: string;
  kind: string;
  readonly metadata: JsonObject;
  spec: unknown;
}

/**
 * Refuses a stored value that isn't an object of this kind at this place, with `Invalid`. The key wins over what the
 * value says of itself. The spec is left to its schema. Status is only checked as far as setpoint relies on it: its
 * controller writes it anew, and an old one must not hide its object.
 */
export function checkShape(
  value: unknown,
  definition: AnyResourceDefinition,
  ref: ObjectName,
  subject: Subject,
): asserts value is StoredShape {
  if (!isPlainObject(value)) throw invalid(subject, 'value', 'an object', kindOf(value));
  checkSame(value.apiVersion, definition.apiVersion, 'apiVersion', subject);
  checkSame(value.kind, definition.kind, 'kind', subject);
  const { metadata, status } = value;
  if (!isPlainObject(metadata)) throw invalid(subject, 'metadata', 'an object', kindOf(metadata));
  checkSame(metadata.name, ref.name, 'metadata.name', subject);
  checkSame(metadata.namespace, ref.namespace, 'metadata.namespace', subject);
  checkMetadata(metadata, subject);
  if (status === undefined) return;
  if (!isPlainObject(status)) throw invalid(subject, 'status', 'an object', kindOf(status));
  if (status.conditions !== undefined && !Array.isArray(status.conditions)) {
    throw invalid(subject, 'status.conditions', 'an array', kindOf(status.conditions));
  }
}

function checkSame(came: unknown, expected: string | undefined, path: string, subject: Subject): void {
  if (came === expected) return;
  const rule = expected === undefined ? 'none, since the kind is cluster-scoped' : `"${expected}", as its key says`;
  throw invalid(subject, path, rule, typeof came === 'string' ? 'another one' : kindOf(came));
}

function checkMetadata(metadata: JsonObject, subject: Subject): void {
  const { uid, generation, creationTimestamp, deletionTimestamp, labels, annotations, finalizers } = metadata;
  checkText(uid, 'metadata.uid', subject);
  checkText(creationTimestamp, 'metadata.creationTimestamp', subject);
  if (deletionTimestamp !== undefined) checkText(deletionTimestamp, 'metadata.deletionTimestamp', subject);
  if (!Number.isSafeInteger(generation))
    throw invalid(subject, 'metadata.generation', 'an integer', kindOf(generation));
  if (labels !== undefined) checkTexts(labels, 'metadata.labels', subject);
  if (annotations !== undefined) checkTexts(annotations, 'metadata.annotations', subject);
  if (metadata.ownerReferences !== undefined) validateOwnerReferences(metadata.ownerReferences, subject);
  if (metadata.managedFields !== undefined) checkManagedFields(metadata.managedFields, subject);
  if (finalizers === undefined) return;
  const texts: unknown = Array.isArray(finalizers) && finalizers.every((name) => typeof name === 'string');
  if (texts !== true) throw invalid(subject, 'metadata.finalizers', 'an array of strings', kindOf(finalizers));
}

function checkText(value: unknown, path: string, subject: Subject): void {
  if (typeof value !== 'string' || value === '') {
    throw invalid(subject, path, 'a string', value === '' ? 'an empty one' : kindOf(value));
  }
}

function checkTexts(value: unknown, path: string, subject: Subject): void {
  if (!isPlainObject(value)) throw invalid(subject, path, 'an object of strings', kindOf(value));
  for (const key of Object.keys(value)) {
    if (typeof value[key] !== 'string') throw invalid(subject, `${path}[${key}]`, 'a string', kindOf(value[key]));
  }
}
