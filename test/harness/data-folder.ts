import { accessSync, constants, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

/** Where Linux keeps files in memory. */
const IN_MEMORY = '/dev/shm';

/** An etcd claims 128 MiB for its log before it has written anything. */
const FREE_BYTES_NEEDED = 4 * 1024 ** 3;

/**
 * The folder in which servers of tests keep their data: in memory where there is enough of it, since etcd 3.4 waits for
 * the disk at every write. A process that is killed loses nothing by that.
 */
export function dataFolder(): string {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= FREE_BYTES_NEEDED ? IN_MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
