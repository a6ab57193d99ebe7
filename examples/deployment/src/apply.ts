/** Applies manifests, or deletes what they are about. */
import { parseArgs } from 'node:util';
import { createClient } from 'setpoint';
import { kinds } from './kinds.ts';
import { applyManifests, deleteManifests, readManifestFile } from '@setpoint/cli';
import { openSharedStore, SetupError } from './open-store.ts';
import { runProgram } from './run-program.ts';

runProgram('ETCD_ENDPOINTS=… node dist/apply.js [--delete] [--prefix /registry] FILE…', async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { delete: { type: 'boolean', default: false }, prefix: { type: 'string', default: '/registry' } },
  });
  if (positionals.length === 0) throw new SetupError('Say which files: node dist/apply.js [--delete] FILE…');
  // All files are read before the first write: a mistake in the last one leaves nothing half done.
  const manifests = (await Promise.all(positionals.map((file) => readManifestFile(file, kinds)))).flat();

  const store = await openSharedStore();
  const client = createClient({ store, prefix: values.prefix });
  try {
    await (values.delete ? deleteManifests(client, manifests) : applyManifests(client, manifests));
  } finally {
    await store.close();
  }
  for (const { definition, name } of manifests) {
    console.log(`${definition.kind} ${name} ${values.delete ? 'deleted' : 'applied'}`);
  }
});
