import { SetpointError } from '../errors/index.ts';
import { type Clock, sleep } from '../internal/clock.ts';
import { linkedAbort } from '../internal/linked-abort.ts';
import {
  type AnyResourceDefinition,
  deepEqual,
  invalid,
  invalidBecause,
  isDeleting,
  kindOf,
  type ObjectOf,
  quote,
  type Subject,
} from '../resource/index.ts';
import { CHANGE_FIELDS, checkFields, type ObjectChanges } from './object-input.ts';
import { revise } from './revise.ts';

/** A write that is about to be made, as a hook sees it. */
export interface AdmissionRequest<Definition> {
  /** `delete` is what asks for a deletion; the removal of a finalizer is an `update`. */
  readonly operation: 'create' | 'update' | 'status' | 'delete';
  /** The object as it would be stored, valid and with its defaults. */
  readonly object: ObjectOf<Definition>;
  /** What is stored; undefined for a create. */
  readonly before: ObjectOf<Definition> | undefined;
  readonly dryRun: boolean;
  /** Aborts when the hook has had its time, or the caller gives the write up. */
  readonly signal: AbortSignal;
}

type Answer<T> = T | undefined | void | Promise<T | undefined | void>;

/** See {@link admit}. */
export interface AdmissionOptions<Definition> {
  /** Names the hook in errors. */
  readonly name: string;
  /** Changes what is to be stored. Not asked about `status` and `delete`. Must make no difference the second time. */
  mutate?(request: AdmissionRequest<Definition>): Answer<ObjectChanges<Definition>>;
  /** Refuses: returns the reason, or throws. */
  validate?(request: AdmissionRequest<Definition>): Answer<string>;
  /** How long each of its functions may take. Default 10 s, as Kubernetes. */
  readonly timeoutMs?: number;
  /** What becomes of a write whose hook throws or takes too long. Default `refuse`. */
  readonly onFailure?: 'refuse' | 'ignore';
}

/** A hook that a client asks about its writes. */
export interface AdmissionHook extends AdmissionOptions<AnyResourceDefinition> {
  /** The kinds it is asked about; undefined for all. */
  readonly definition: AnyResourceDefinition | undefined;
}

const TIMEOUT_MS = 10_000;

/**
 * A hook for a client's writes of one kind: `createClient({ store, admission: [admit(Website, { … })] })`. For every
 * kind leave the definition out. It is asked about every change before it is sent, also of each new attempt; a write
 * that changes nothing asks nobody, and one that the hooks bring back to what is stored is not made. Throws `Invalid`
 * for bad options.
 */
export function admit<Definition extends AnyResourceDefinition>(
  definition: Definition,
  options: AdmissionOptions<Definition>,
): AdmissionHook;
export function admit(options: AdmissionOptions<AnyResourceDefinition>): AdmissionHook;
export function admit(
  first: AnyResourceDefinition | AdmissionOptions<AnyResourceDefinition>,
  second?: AdmissionOptions<AnyResourceDefinition>,
): AdmissionHook {
  const options = second ?? (first as AdmissionOptions<AnyResourceDefinition>);
  const subject = { what: 'Admission hook' };
  if (typeof options.name !== 'string' || options.name === '') {
    throw invalid(subject, 'name', 'a name for errors', kindOf(options.name));
  }
  if (!options.mutate && !options.validate)
    throw invalid(subject, 'validate', 'mutate or validate, or both', 'neither');
  const { timeoutMs = TIMEOUT_MS } = options;
  if (!(timeoutMs > 0)) throw invalid(subject, 'timeoutMs', 'a number above 0', String(timeoutMs));
  return {
    ...options,
    ...(options.mutate && { mutate: (request) => options.mutate!(request) }),
    ...(options.validate && { validate: (request) => options.validate!(request) }),
    definition: second && (first as AnyResourceDefinition),
  };
}

/** One write on its way through the hooks. */
export interface Admission<Definition> {
  readonly definition: Definition;
  readonly subject: Subject;
  readonly before: ObjectOf<Definition> | undefined;
  readonly next: ObjectOf<Definition>;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/**
 * What the hooks make of a write: first all `mutate` in their order, each seeing what the one before made, then all
 * `validate`, each seeing the end. What a hook makes is validated as a caller's input is. Throws `Denied` when one
 * refuses, `Timeout` when one takes too long; then nothing has been sent.
 */
export async function runAdmission<Definition extends AnyResourceDefinition>(
  hooks: readonly AdmissionHook[],
  admission: Admission<Definition>,
): Promise<ObjectOf<Definition>> {
  const { definition, subject, before, dryRun } = admission;
  const asked = hooks.filter((hook) => hook.definition === undefined || hook.definition === definition);
  const operation = operationOf(admission);
  let object = admission.next;
  if (operation === 'create' || operation === 'update') {
    for (const hook of asked) {
      const changes = hook.mutate && (await ask(hook, 'mutate', { operation, object, before, dryRun }, admission));
      if (changes)
        object = changed(definition, object, changes as ObjectChanges<Definition>, { hook, before, subject });
    }
  }
  for (const hook of asked) {
    const reason = hook.validate && (await ask(hook, 'validate', { operation, object, before, dryRun }, admission));
    if (typeof reason === 'string') throw denied(subject, hook, reason);
  }
  return object;
}

function operationOf<Definition>({ before, next }: Admission<Definition>): AdmissionRequest<Definition>['operation'] {
  if (!before) return 'create';
  if (isDeleting(next.metadata) && !isDeleting(before.metadata)) return 'delete';
  return deepEqual(before.status, next.status) ? 'update' : 'status';
}

function changed<Definition extends AnyResourceDefinition>(
  definition: Definition,
  object: ObjectOf<Definition>,
  changes: ObjectChanges<Definition>,
  context: {
    readonly hook: AdmissionHook;
    readonly before: ObjectOf<Definition> | undefined;
    readonly subject: Subject;
  },
): ObjectOf<Definition> {
  const { hook, before } = context;
  const subject = {
    ...context.subject,
    what: `${context.subject.what}, changed by admission hook ${quote(hook.name)}`,
  };
  checkFields(changes, CHANGE_FIELDS, subject);
  const next = revise(definition, object, changes, { subject, isNew: before === undefined });
  const generation = before ? before.metadata.generation + (deepEqual(before.spec, next.spec) ? 0 : 1) : 1;
  return { ...next, metadata: { ...next.metadata, generation } };
}

async function ask<Definition extends AnyResourceDefinition>(
  hook: AdmissionHook,
  what: 'mutate' | 'validate',
  request: Omit<AdmissionRequest<Definition>, 'signal'>,
  { subject, clock, signal }: Admission<Definition>,
): Promise<unknown> {
  const { timeoutMs = TIMEOUT_MS, onFailure = 'refuse' } = hook;
  const link = linkedAbort(signal);
  const late = sleep(clock, timeoutMs, link.signal, { ref: true }).then(() => {
    throw signal?.aborted
      ? new SetpointError('Aborted', `${subject.what}: given up in admission, nothing was written.`)
      : tookTooLong(subject, hook, timeoutMs);
  });
  late.catch(() => {});
  try {
    const asked = request as unknown as Omit<AdmissionRequest<AnyResourceDefinition>, 'signal'>;
    const answer = Promise.resolve().then(() => hook[what]!({ ...asked, signal: link.signal }));
    answer.catch(() => {});
    return await Promise.race([answer, late]);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (onFailure === 'ignore') return undefined;
    if (error instanceof SetpointError && error.code === 'Timeout') throw error;
    throw denied(subject, hook, error instanceof Error ? error.message : 'it threw', error);
  } finally {
    link.abort(undefined);
    link.unlink();
  }
}

function denied(subject: Subject, hook: AdmissionHook, reason: string, cause?: unknown): SetpointError {
  const message = `${subject.what}: admission hook ${quote(hook.name)} refuses it: ${reason}. Nothing was written.`;
  return new SetpointError('Denied', message, { cause, details: { ...subject.details } });
}

function tookTooLong(subject: Subject, hook: AdmissionHook, timeoutMs: number): SetpointError {
  const next = 'Nothing was written. Make the hook quicker, or give it more timeoutMs.';
  const message = `${subject.what}: admission hook ${quote(hook.name)} took longer than ${timeoutMs} ms. ${next}`;
  return new SetpointError('Timeout', message, { details: { ...subject.details } });
}

/** Refuses what is no hook made by {@link admit}. */
export function checkHooks(hooks: readonly AdmissionHook[]): void {
  if (!Array.isArray(hooks)) {
    throw invalid({ what: 'Client' }, 'admission', 'a list of hooks made by admit(…)', kindOf(hooks));
  }
  const wrong = hooks.some((hook: AdmissionHook) => typeof hook?.name !== 'string' || !('definition' in hook));
  if (wrong) throw invalidBecause({ what: 'Client' }, 'admission', 'it takes hooks made by admit(…)');
}
