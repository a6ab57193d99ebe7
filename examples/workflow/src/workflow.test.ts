import { createTestManager } from 'setpoint/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Pipeline, type Step, StepRun } from './kinds.ts';
import { pipelineController } from './pipeline-controller.ts';
import { processStarter } from './start-step.ts';
import { createStepController, type Outcome, type StartStep } from './step-controller.ts';

const step = (name: string, rest: Partial<Step> = {}) => ({ name, command: [name], ...rest });

/** A world whose steps end when the test says so. */
async function world() {
  const running = new Map<string, (outcome: Outcome) => void>();
  const started: string[] = [];
  const start: StartStep = ({ name }, onLine, signal) =>
    new Promise((resolve) => {
      started.push(name);
      onLine(`${name} speaks`);
      running.set(name, resolve);
      signal.addEventListener('abort', () => resolve({ succeeded: false, message: 'cancelled' }));
    });
  const kit = await createTestManager({ controllers: [pipelineController, createStepController(start)] });
  onTestFinished(() => kit.stop());
  const end = async (name: string, succeeded = true): Promise<void> => {
    running.get(name)!({ succeeded, message: succeeded ? '' : 'exit code 1' });
    await kit.settled();
  };
  const create = async (stages: Parameters<typeof kit.create<typeof Pipeline>>[1]['spec']['stages']): Promise<void> => {
    await kit.create(Pipeline, { name: 'ci', spec: { stages } });
    await kit.settled();
  };
  const pipeline = async () => (await kit.get(Pipeline, { name: 'ci' })).status;
  return { kit, started, end, create, pipeline };
}

describe('the pipeline engine', () => {
  it('runs the steps of a stage side by side, and each stage after the one before', async () => {
    const { create, end, started, pipeline } = await world();
    await create([
      { name: 'build', steps: [step('a'), step('b')] },
      { name: 'test', steps: [step('c')] },
    ]);
    expect(started.toSorted()).toEqual(['a', 'b']);
    await end('a');
    expect(started).not.toContain('c');
    expect(await pipeline()).toMatchObject({ phase: 'Running', steps: { a: 'Succeeded', b: 'Running', c: 'Waiting' } });
    await end('b');
    await end('c');
    expect(await pipeline()).toMatchObject({ phase: 'Succeeded' });
  });

  it('starts a step as soon as what it needs is done, across stages', async () => {
    const { create, end, started } = await world();
    await create([
      { name: 'build', steps: [step('a'), step('b')] },
      { name: 'test', steps: [step('c', { needs: ['a'] })] },
    ]);
    await end('a');
    expect(started).toContain('c');
  });

  it('tries again as often as allowed, then fails, keeps the log, and skips what waited for it', async () => {
    const { create, end, started, pipeline, kit } = await world();
    await create([
      { name: 'build', steps: [step('a', { retries: 1 })] },
      { name: 'test', steps: [step('b')] },
    ]);
    await end('a', false);
    expect(started).toEqual(['a', 'a']);
    await end('a', false);
    expect(started).toEqual(['a', 'a']);
    expect(await pipeline()).toMatchObject({ phase: 'Failed', steps: { a: 'Failed', b: 'Skipped' } });
    const [run] = await kit.list(StepRun);
    expect(run!.status).toMatchObject({ attempts: 2, message: 'exit code 1', log: ['a speaks'] });
  });

  it('cancels: ends what runs and starts nothing more', async () => {
    const { create, started, pipeline, kit } = await world();
    await create([
      { name: 'build', steps: [step('a')] },
      { name: 'test', steps: [step('b')] },
    ]);
    const pipelines = kit.client.resource(Pipeline);
    await pipelines.modify({ name: 'ci' }, (ci) => ({ ...ci, spec: { ...ci.spec, cancelled: true } }));
    await kit.settled();
    expect(started).toEqual(['a']);
    expect(await pipeline()).toMatchObject({ phase: 'Cancelled', steps: { a: 'Cancelled', b: 'Cancelled' } });
  });

  it.each([
    ['two of one name', [{ name: 's', steps: [step('a'), step('a')] }], /two steps are called "a"/],
    ['a need that is no step', [{ name: 's', steps: [step('a', { needs: ['x'] })] }], /needs "x", which is no step/],
    [
      'a circle',
      [{ name: 's', steps: [step('a', { needs: ['b'] }), step('b', { needs: ['a'] })] }],
      /wait for each other: a, b/,
    ],
  ])('refuses %s', async (_title, stages, message) => {
    const { create } = await world();
    await expect(create(stages)).rejects.toThrow(message);
  });
});

describe('a step as a process', () => {
  const start = processStarter();
  const run = async (script: string, rest: Partial<Step> = {}, signal = new AbortController().signal) => {
    const lines: string[] = [];
    const wanted = { name: 'x', command: ['node', '-e', script], env: {}, retries: 0, timeoutMs: 20_000, ...rest };
    const outcome = await start(wanted, (line) => lines.push(line), signal);
    return { ...outcome, lines: lines.toSorted() };
  };

  it('says how it ended and what it said on both streams', async () => {
    expect(await run("console.log('out'); console.error('err'); process.exit(3)")).toEqual({
      succeeded: false,
      message: 'exit code 3',
      lines: ['err', 'out'],
    });
    expect(await run('')).toMatchObject({ succeeded: true });
    expect(await run('', { command: ['no-such-program'] })).toMatchObject({ succeeded: false });
  });

  it('is over when its program is, though what that left in the background holds its output open', async () => {
    const background = (options: string) =>
      `require('child_process').spawn('sleep', ['5'], { stdio: 'inherit'${options} }).unref(); console.log('left it');`;
    for (const options of ['', ', detached: true']) {
      const outcome = await run(background(options), { timeoutMs: 4_000 });
      expect(outcome).toEqual({ succeeded: true, message: 'exit code 0', lines: ['left it'] });
    }
  });

  it('is ended when it takes too long, and when it is cancelled', async () => {
    const endless = 'setInterval(() => {}, 1000)';
    expect(await run(endless, { timeoutMs: 200 })).toMatchObject({
      succeeded: false,
      message: 'it took longer than 200 ms',
    });
    const stop = new AbortController();
    const ending = run(endless, {}, stop.signal);
    stop.abort();
    expect(await ending).toMatchObject({ succeeded: false, message: 'cancelled' });
  });
});
