import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WorkerProcess } from './worker-process.ts';

it('a worker that ends before it is ready is told, and not waited for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'setpoint-worker-'));
  try {
    const program = join(folder, 'program.mjs');
    writeFileSync(program, 'process.exit(3);');
    const setup = { record: join(folder, 'record'), ttlSeconds: 4, fenced: true, thinkMsMax: 1, seed: 1, program };
    const started = WorkerProcess.start('w', 'http://127.0.0.1:1', setup);
    await expect(started).rejects.toThrow('worker wx0 ended by itself with code 3');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
