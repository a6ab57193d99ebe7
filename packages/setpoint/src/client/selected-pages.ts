import { isSetpointError } from '../errors/index.ts';
import type { AnyResourceDefinition } from '../resource/index.ts';
import type { CallOptions } from '../store/index.ts';
import { callOptions } from './call-options.ts';
import { listObjects, type ObjectList } from './list-objects.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { SelectOptions } from './selection.ts';

const PAGE = 1000;

/**
 * The objects that are selected, page by page, for whoever works them off one by one. That takes as long as it takes: where
 * the store has forgotten the first page's revision meanwhile, it goes on at the present one.
 */
export async function* selectedPages<Definition extends AnyResourceDefinition>(
  writer: ObjectWriter<Definition>,
  options: SelectOptions & CallOptions,
): AsyncGenerator<ObjectList<Definition>, void, void> {
  const { namespace, labelSelector, fieldSelector } = options;
  const select = { namespace, labelSelector, fieldSelector, ...callOptions(options), limit: PAGE };
  let token: string | undefined;
  do {
    try {
      const page = await listObjects(writer, { ...select, continue: token });
      yield page;
      token = page.continue;
    } catch (error) {
      if (!isSetpointError(error, 'Compacted') || error.details.continue === undefined) throw error;
      token = error.details.continue;
    }
  } while (token !== undefined);
}
