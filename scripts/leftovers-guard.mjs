/**
 * Run by `test/harness/leftovers.ts` beside a test process, with a pipe from it as stdin: learns line by line what the tests have
 * started and ended, and when the pipe closes, however the test process came to its end, ends and removes what is left.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const processes = new Set();
const folders = new Set();

// A Ctrl-C reaches the whole group; the pipe says when it is time.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const [what, name = ''] = line.split('\t');
  if (what === 'started') processes.add(Number(name));
  if (what === 'ended') processes.delete(Number(name));
  if (what === 'made') folders.add(name);
  if (what === 'removed') folders.delete(name);
});
lines.on('close', () => void cleanUp());

async function cleanUp() {
  for (const pid of processes) signal(pid, 'SIGKILL');
  // One that still writes would put files back; on a busy machine it takes its time to die.
  for (let looks = 0; looks < 200 && [...processes].some((pid) => signal(pid, 0)); looks++) await wait(50);
  for (const folder of folders) {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    } catch (error) {
      console.error(String(error));
    }
  }
}

/**
 * Whether the process was there.
 *
 * @param {number} pid
 * @param {NodeJS.Signals | 0} name
 */
function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
