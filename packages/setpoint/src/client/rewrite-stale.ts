import { isSetpointError } from '../errors/index.ts';
import type { AnyResourceDefinition, ObjectOf } from '../resource/index.ts';
import type { ObjectWriter } from './object-writer.ts';
import { replaceUntilDone } from './replace-loop.ts';
import { selectedPages } from './selected-pages.ts';
import type { SelectOptions } from './selection.ts';
import { type ModifyOptions, retryOf } from './write-options.ts';

const AT_ONCE = 16;

/** Touches every object: a change of nothing writes only where the stored bytes are stale. */
export async function rewriteStale<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: SelectOptions & ModifyOptions,
): Promise<number> {
  let written = 0;
  const touch = async (object: ObjectOf<Definition>): Promise<void> => {
    let before = '';
    const nothing = (current: ObjectOf<Definition>): ObjectOf<Definition> => {
      before = current.metadata.resourceVersion;
      return current;
    };
    try {
      const loop = { target: writer.target(object), from: undefined, ...retryOf(options) };
      const after = await replaceUntilDone(writer, loop, nothing);
      if (after.metadata.resourceVersion !== before) written++;
    } catch (error) {
      if (!isSetpointError(error, 'NotFound')) throw error;
    }
  };
  for await (const { items } of selectedPages(writer, options)) {
    for (let at = 0; at < items.length; at += AT_ONCE) {
      await Promise.all(items.slice(at, at + AT_ONCE).map(touch));
    }
  }
  return written;
}
