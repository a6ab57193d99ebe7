import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, memoryStore } from 'setpoint';
import { expect, it, onTestFinished } from 'vitest';
import { keepApplying } from './keep.ts';
import { Deployment } from './kinds.ts';

const manifest = (replicas: number | string): string => `apiVersion: example.setpoint.dev/v1
kind: Deployment
metadata: { name: web }
spec: { replicas: ${replicas}, template: { command: [web] } }
`;

it('applies what is edited, says what can not be used, and outlives files that come and go', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keep-'));
  const file = join(folder, 'web.yaml');
  const client = createClient({ store: memoryStore() });
  const replicas = async () => (await client.resource(Deployment).find({ name: 'web' }))?.spec.replicas;
  const said: string[] = [];
  const stop = new AbortController();
  await symlink(join(folder, 'not-there'), file); // listed, and gone when it is read
  const keeping = keepApplying(client, folder, (line) => void said.push(line), stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await keeping;
    await rm(folder, { recursive: true });
  });
  await expect.poll(() => said).toEqual([expect.stringContaining('web.yaml')]);
  await rm(file);
  await writeFile(file, manifest(2));
  await expect.poll(replicas).toBe(2);
  await writeFile(file, manifest('many'));
  await expect.poll(() => said.at(-1)).toMatch(/web.yaml:4:9: Invalid: .*replicas/);
  await writeFile(file, manifest(3));
  await expect.poll(replicas).toBe(3);
});
