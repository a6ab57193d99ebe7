import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A whole program on the built packages: a manager with a health endpoint and one more runnable. */
const program = (runnable: string): string => `
  import { createManager, memoryStore } from 'setpoint';
  const manager = createManager({ store: memoryStore(), health: { port: 0 }, runnables: [${runnable}] });
  manager.whenReady().then(() => console.log('ready'));
  await manager.run();
  console.log('stopped');
`;

const obedient = `{
  name: 'obedient',
  run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
}`;
const stuck = `{
  name: 'stuck',
  run: (signal) => new Promise(() => signal.addEventListener('abort', () => console.log('asked'))),
}`;

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(runnable: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(runnable)], { cwd: root });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const says = (text: string): Promise<void> =>
    expect.poll(() => output, { timeout: 60_000, interval: 20 }).toContain(text);
  return { child, ended, says };
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  'I-164, I-180: the first %s ends the process by itself, with code 0',
  async (signal) => {
    const { child, ended, says } = start(obedient);
    await says('ready');
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
    await says('stopped');
  },
);

it('I-164: a second signal ends at once, with code 1, what the first can not', async () => {
  const { child, ended, says } = start(stuck);
  await says('ready');
  child.kill('SIGTERM');
  await says('asked');
  expect(child.exitCode).toBe(null);
  child.kill('SIGTERM');
  expect(await ended).toEqual([1, null]);
});
