/**
 * Run by `leftovers.ts` beside a test process, with a pipe from it as stdin: learns line by line what the tests have
 * started and ended, and when the pipe closes, however the test process came to its end, ends and removes what is left.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

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
lines.on('close', () => {
  for (const pid of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});
