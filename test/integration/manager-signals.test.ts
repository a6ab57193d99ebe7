import { afterEach, expect, it } from 'vitest';
import { ChildProgram } from '../harness/child-program.ts';

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

const programs: ChildProgram[] = [];
afterEach(async () => {
  for (const each of programs.splice(0)) await each.end('SIGKILL');
});

function start(runnable: string): ChildProgram {
  const started = ChildProgram.of(program(runnable));
  programs.push(started);
  return started;
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  'I-164, I-180: the first %s ends the process by itself, with code 0',
  async (signal) => {
    const started = start(obedient);
    await started.says('ready');
    expect(await started.end(signal)).toBe(0);
    expect(started.output).toContain('stopped');
  },
);

it('I-164: a second signal ends at once, with code 1, what the first can not', async () => {
  const started = start(stuck);
  await started.says('ready');
  started.child.kill('SIGTERM');
  await started.says('asked');
  expect(started.running).toBe(true);
  expect(await started.end('SIGTERM')).toBe(1);
});
