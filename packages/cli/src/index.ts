/**
 * # A command line for your kinds
 *
 * `get`, `describe`, `apply`, `delete`, `scale`, `rollout`, `logs` and `events`, with kubectl's columns and words, for
 * whatever kinds you define. It reads and writes the store itself: an etcd, or the store in the memory of a running
 * program that offers it with {@link serveStore}. There is no server in between and none to secure beyond the store.
 *
 * ```ts
 * const website = cliKind(Website, { columns: [{ name: 'READY', value: ({ status }) => status?.ready ?? 0 }] });
 * process.exitCode = await runCli({ name: 'webctl', kinds: [website] }, process.argv.slice(2));
 * ```
 *
 * A command either does all that it says or ends with exit code 1 and a message; several objects are written one after
 * the other, and each is told of as it is. Values are printed as they are: don't put secrets into a spec.
 *
 * Next: `program.ts`, then `cli-kind.ts`
 */
export {
  cliKind,
  type CliKind,
  type CliKindOptions,
  type Column,
  type LogOptions,
  type Rollout,
  type RolloutProgress,
  type RolloutRevision,
} from './cli-kind.ts';
export { CommandError } from './command-error.ts';
export {
  applyManifests,
  deleteManifests,
  type Manifest,
  ManifestError,
  parseManifests,
  readManifestFile,
  readManifests,
} from './manifests.ts';
export { type CliOptions, runCli } from './program.ts';
export { remoteStore } from './remote-store.ts';
export { serveStore, type ServeStoreOptions, type StoreServer } from './store-server.ts';
export type { Terminal } from './session.ts';
