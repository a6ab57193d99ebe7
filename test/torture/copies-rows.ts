import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { defineController, isSetpointError, SetpointError, type Store } from 'setpoint';
import { check, eventually, failure } from './checks.ts';
import type { Cycle, Tools } from './cycle.ts';
import { rootOf } from './parties.ts';
import type { Row } from './row.ts';
import { allDone, createJobs, Job, startManager } from './started-manager.ts';

const packageFolder = fileURLToPath(new URL('../../packages/setpoint/', import.meta.url));

/** The library once more, as a second copy of the package brings it into one process. Code can't be unloaded: one a run. */
function secondCopy(t: Cycle): Promise<typeof import('setpoint')> {
  return t.shared('second copy', async (tools: Tools) => {
    const folder = fileURLToPath(new URL(`../../.cache/second-copy-${process.pid}-${Date.now()}/`, import.meta.url));
    tools.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}package.json`, '{"type":"module"}');
    await cp(`${packageFolder}dist`, `${folder}dist`, { recursive: true });
    return (await import(/* @vite-ignore */ pathToFileURL(`${folder}dist/index.js`).href)) as typeof import('setpoint');
  });
}

/** Compacts, and gives back a revision that can't be read any more. */
async function compactedBelow(store: Store): Promise<bigint> {
  const { revision } = await store.range({ key: '/' });
  await store.compact(revision);
  return revision - 1n;
}

/** The library more than once. */
export const rows: readonly Row[] = [
  {
    id: 'F-96',
    title:
      'two copies of the library in one process, over one store: each knows the errors of the other, by code, and acts on them',
    async cycle(t) {
      const other = await secondCopy(t);
      check(other.SetpointError !== SetpointError, 'there is only one copy');
      const { store, manager, client, reports } = await startManager(t, {
        controllers: [
          defineController(Job, {
            async reconcile({ object, status }) {
              if (object.spec.text === 'no') throw other.terminal(new Error('for good'));
              if (object.spec.text === 'odd') throw new other.SetpointError('Unavailable', 'from the other copy');
              await status({ text: object.spec.text });
            },
          }),
        ],
      });
      const theirs = other.createClient({ store, prefix: rootOf(t) });
      await createJobs(client, ['job', 'shared']);
      await createJobs(client, ['hopeless'], 'no');
      const twice: unknown = await failure(
        theirs.resource(Job).create({ name: 'job', spec: { text: 'x' } }),
        ['AlreadyExists'],
        'a create',
      );
      check(
        !(twice instanceof SetpointError) && twice instanceof other.SetpointError,
        'it is not the error of the other copy',
      );
      // Its client meets the conflicts that our store tells, and tries again.
      const times = t.between(5, 15);
      const add = (from: typeof client): Promise<unknown> =>
        from.resource(Job).modify('default/shared', ({ spec }) => ({ spec: { text: `${spec.text}+` } }));
      await Promise.all(Array.from({ length: times }, () => [add(client), add(theirs)]).flat());
      const { spec } = await client.resource(Job).get('default/shared');
      check(spec.text.length === 3 + 2 * times, `S1: ${spec.text.length - 3} of ${2 * times} additions are there`);
      await eventually(() => allDone(manager, ['job']) && allDone(manager, ['shared'], spec.text), 'the jobs are done');
      const compacted = await failure(
        store.range({ prefix: t.prefix, revision: await compactedBelow(store) }),
        ['Compacted'],
        'a read',
      );
      check(other.isSetpointError(compacted, 'Compacted'), 'the other copy does not know our error');
      const runs = reports.filter(({ key }) => key === 'default/hopeless');
      check(
        runs.length === 1 && runs[0]!.outcome.type === 'error' && runs[0]!.outcome.terminal,
        `tried ${runs.length} times what can't be mended`,
      );
      await createJobs(client, ['odd'], 'odd');
      await eventually(
        () => reports.filter(({ key }) => key === 'default/odd').length > 2,
        'a failure of the other copy is tried again',
      );
      check(
        isSetpointError(new other.SetpointError('NotFound', 'x'), 'NotFound'),
        'we do not know the error of the other copy',
      );
    },
  },
];
