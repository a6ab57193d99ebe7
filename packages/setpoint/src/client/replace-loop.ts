import { SetpointError } from '../errors/index.ts';
import { Backoff } from '../internal/backoff.ts';
import { sleep } from '../internal/clock.ts';
import { type AnyResourceDefinition, invalid, kindOf, type ObjectOf } from '../resource/index.ts';
import type { KeyValue } from '../store/index.ts';
import { conflict, notFound, otherIncarnation, tooContended } from './client-errors.ts';
import type { Target } from './object-ref.ts';
import type { BaseOrigin, ObjectWriter, WriteResult } from './object-writer.ts';
import { callOptions } from './call-options.ts';
import type { WriteOptions } from './write-options.ts';

/** The next version of an object, the very same one, or nothing to leave it alone. It may be asked several times. */
export type Revise<Definition> = (base: ObjectOf<Definition>) => ObjectOf<Definition> | undefined;

/** Delays of the third attempt and later ones. The cap spreads a hundred writers of one object far enough. */
const RETRY = { baseMs: 5, maxMs: 500 };
const REVISION = /^[1-9][0-9]{0,18}$/;

/** Writes what `revise` makes of `from` if that is still current; otherwise throws `Conflict`. */
export async function replaceOnce<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  { target, from, call }: { readonly target: Target; readonly from: ObjectOf<Definition>; readonly call: WriteOptions },
  revise: Revise<Definition>,
): Promise<ObjectOf<Definition>> {
  refuseUnversioned(target, from);
  const result = await writer.replace(target, from, revise, { ...call, origin: 'caller' });
  if ('object' in result) return result.object;
  throw conflict(target, from.metadata.resourceVersion, result.current?.modRevision);
}

export interface ReplaceLoop<Definition extends AnyResourceDefinition> {
  readonly target: Target;
  /** The first base, if the caller has one; it saves a read. */
  readonly from: ObjectOf<Definition> | undefined;
  readonly attempts: number;
  readonly call: WriteOptions;
  /** Tried when the object isn't there. Without it that is `NotFound`, and another uid than `from` has `Conflict`. */
  readonly create?: () => Promise<WriteResult<ObjectOf<Definition>>>;
}

/** Writes what `revise` makes of the object, on what is current each time, until it succeeds or `attempts` is over. */
export async function replaceUntilDone<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  loop: ReplaceLoop<Definition>,
  revise: Revise<Definition>,
): Promise<ObjectOf<Definition>> {
  const { target, from, attempts, call, create } = loop;
  if (from) refuseUnversioned(target, from);
  const backoff = new Backoff(RETRY, writer.context.random);
  let base = from;
  let current = from ? undefined : await writer.read(target, callOptions(call));
  for (let attempt = 1; ; attempt++) {
    if (current) base = writer.codec.decode(current);
    if (!base && !create) throw notFound(target);
    if (from && base && !create && base.metadata.uid !== from.metadata.uid) {
      throw otherIncarnation(target, from.metadata.uid, base.metadata.uid);
    }
    const write: ReplaceOptions = { ...call, origin: base === from ? 'caller' : 'store', stored: current };
    const result = base ? await replaceOrReread(writer, target, base, revise, write) : await create!();
    if ('object' in result) return result.object;
    base = undefined;
    ({ current } = result);
    if (attempt >= attempts && (current || create)) throw tooContended(target, attempts, current?.modRevision);
    // The transaction that failed has fetched what is there, so the second attempt needs neither delay nor read.
    if (attempt > 1) current = await readAfter(backoff.next(), writer, target, call);
  }
}

type ReplaceOptions = WriteOptions & { readonly origin: BaseOrigin; readonly stored: KeyValue | undefined };

/** What `revise` makes of a cached object may fail for what the cache doesn't know yet: then what is stored decides. */
async function replaceOrReread<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  target: Target,
  base: ObjectOf<Definition>,
  revise: Revise<Definition>,
  options: ReplaceOptions,
): Promise<WriteResult<ObjectOf<Definition>>> {
  let failed = false;
  const watched: Revise<Definition> = (current) => {
    failed = true;
    const next = revise(current);
    failed = false;
    return next;
  };
  try {
    return await writer.replace(target, base, watched, options);
  } catch (error) {
    if (!failed || options.origin === 'store') throw error;
    const current = await writer.read(target, callOptions(options));
    if (current?.modRevision === BigInt(base.metadata.resourceVersion)) throw error;
    return { current };
  }
}

async function readAfter(
  delayMs: number,
  writer: ObjectWriter<AnyResourceDefinition>,
  target: Target,
  call: WriteOptions,
): Promise<KeyValue | undefined> {
  await sleep(writer.context.clock, delayMs, call.signal, { ref: true });
  if (call.signal?.aborted) {
    const message = `${target.subject.what}: given up between two attempts, nothing was written.`;
    throw new SetpointError('Aborted', message, { cause: call.signal.reason });
  }
  return await writer.read(target, callOptions(call));
}

/** Without the version that it was read at there is nothing to base a write on. */
function refuseUnversioned(target: Target, { metadata }: ObjectOf<AnyResourceDefinition>): void {
  const resourceVersion: unknown = metadata.resourceVersion;
  if (typeof resourceVersion === 'string' && REVISION.test(resourceVersion)) return;
  const expected = 'the revision that the object was read at';
  throw invalid(
    target.subject,
    'metadata.resourceVersion',
    expected,
    kindOf(resourceVersion),
    'Read the object first.',
  );
}
