import { watch } from 'node:fs/promises';
import { type Client, sleep, systemClock } from 'setpoint';
import { kinds } from './kinds.ts';
import { applyManifests, ManifestError, readManifests } from '@setpoint/cli';

/** An editor may write a file in several goes; what it was in between is of no interest. */
const SETTLE_MS = 100;

/**
 * Applies the manifests of a folder, and again whenever one of its files changes, until `signal` aborts. A manifest
 * that can't be used is said and changes nothing. What is removed from a file stays in the store.
 */
export async function keepApplying(client: Client, folder: string, say: (line: string) => void, signal: AbortSignal) {
  const apply = async (): Promise<void> => {
    try {
      await applyManifests(client, await readManifests(folder, kinds));
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'; // an editor may put another in its place
      if (!isGone && !(error instanceof ManifestError)) throw error;
      say((error as Error).message);
    }
  };
  const changes = watch(folder, { signal });
  await apply();
  try {
    for await (const _change of changes) {
      await sleep(systemClock, SETTLE_MS, signal);
      await apply();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
