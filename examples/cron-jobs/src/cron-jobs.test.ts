import { createTestManager, FakeClock } from 'setpoint/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCronJobController, CronJob, Job, nextRun } from './cron-jobs.ts';
import { createJobRunner, type RunCommand } from './job-runner.ts';

const at = (text: string): number => Date.parse(`${text}Z`);

describe('nextRun', () => {
  it.each([
    ['* * * * *', '2026-01-01T00:00:30', '2026-01-01T00:01:00'],
    ['*/15 * * * *', '2026-01-01T00:15:00', '2026-01-01T00:30:00'],
    ['30 8 * * 1-5', '2026-01-02T09:00:00', '2026-01-05T08:30:00'],
    ['0 0 29 2 *', '2026-01-01T00:00:00', '2028-02-29T00:00:00'],
    ['0 12 1 * 0', '2026-01-01T13:00:00', '2026-01-04T12:00:00'],
    ['0,20-40/10 3 * * *', '2026-01-01T03:20:00', '2026-01-01T03:30:00'],
  ])('of %s after %s is %s', (schedule, after, expected) => {
    expect(new Date(nextRun(schedule, at(after))).toISOString()).toBe(`${expected}.000Z`);
  });

  it.each(['* * * *', '60 * * * *', 'x * * * *', '5-1 * * * *', '*/0 * * * *', '0 0 30 2 *'])(
    'refuses %s',
    (schedule) => {
      expect(() => nextRun(schedule, at('2026-01-01T00:00:00'))).toThrow(/CronPattern|never comes/);
    },
  );
});

/** A world in which a command takes so long on virtual time. */
async function worldWhere(takesMs: number, fails = false) {
  const clock = new FakeClock();
  const commands = { running: 0, most: 0 };
  const runCommand: RunCommand = async (_command, signal) => {
    commands.running += 1;
    commands.most = Math.max(commands.most, commands.running);
    await new Promise<void>((resolve, reject) => {
      const end = clock.setTimer(() => (fails ? reject(new Error('exit code 1')) : resolve()), takesMs);
      signal.addEventListener('abort', () => {
        end.cancel();
        reject(new Error('it was ended'));
      });
    }).finally(() => (commands.running -= 1));
  };
  const controllers = [createCronJobController(clock), createJobRunner(runCommand)];
  const world = await createTestManager({ clock, controllers });
  onTestFinished(() => world.stop());
  return { ...world, commands };
}
type Policy = 'Allow' | 'Forbid' | 'Replace';
const every = (concurrencyPolicy: Policy = 'Allow', historyLimit = 3) => ({
  name: 'tidy',
  spec: { schedule: '* * * * *', command: ['tidy'], concurrencyPolicy, historyLimit },
});

describe('the cron job controller', () => {
  it('makes a job each minute and keeps the last few', async () => {
    const world = await worldWhere(1_000);
    await world.create(CronJob, every());
    await world.advance(10 * 60_000 + 5_000);
    const jobs = await world.list(Job);
    expect(jobs.map(({ status }) => status?.phase)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
    expect((await world.get(CronJob, { name: 'tidy' })).status).toMatchObject({ active: 0 });
  });

  it.each<[Policy, number]>([
    ['Allow', 3],
    ['Forbid', 1],
    ['Replace', 1],
  ])('with policy %s and jobs of two and a half minutes, %i run at once', async (policy, atOnce) => {
    const world = await worldWhere(150_000);
    await world.create(CronJob, every(policy, 0));
    await world.advance(5 * 60_000 + 20_000);
    const jobs = await world.list(Job);
    expect(jobs.filter(({ status }) => status?.phase === 'Running')).toHaveLength(atOnce);
    expect(world.commands).toEqual({ running: atOnce, most: atOnce });
  });

  it('ends the command of a job that is deleted, and every command when it is stopped itself', async () => {
    const world = await worldWhere(3_600_000);
    const spec = { command: ['tidy'], scheduledFor: '' };
    await world.create(Job, { name: 'a', spec });
    await world.create(Job, { name: 'b', spec });
    await world.advance(1_000);
    expect(world.commands.running).toBe(2);
    await world.client.resource(Job).delete({ name: 'a' });
    await world.advance(1_000);
    expect(world.commands.running).toBe(1);
    await world.stop();
    expect(world.commands.running).toBe(0);
  });

  it('runs four commands at once, and the others when there is room', async () => {
    const world = await worldWhere(60_000);
    for (let at = 0; at < 9; at++) {
      await world.create(Job, { name: `j-${at}`, spec: { command: ['tidy'], scheduledFor: '' } });
    }
    await world.advance(5_000);
    expect(world.commands).toEqual({ running: 4, most: 4 });
    await world.advance(200_000);
    expect((await world.list(Job)).map(({ status }) => status?.phase)).toEqual(Array(9).fill('Succeeded'));
    expect(world.commands).toEqual({ running: 0, most: 4 });
  });

  it('says of a job that failed why, suspends, and starts nothing for what was missed long ago', async () => {
    const world = await worldWhere(1_000, true);
    await world.create(CronJob, every());
    await world.advance(65_000);
    expect((await world.list(Job))[0]!.status).toMatchObject({ phase: 'Failed', message: 'Error: exit code 1' });
    const suspended = every();
    await world.apply(CronJob, { ...suspended, spec: { ...suspended.spec, suspend: true } });
    await world.advance(60 * 60_000);
    expect(await world.list(Job)).toHaveLength(1);
    await world.apply(CronJob, { ...suspended, spec: { ...suspended.spec, suspend: false } });
    await world.advance(5_000);
    expect((await world.list(Job)).length).toBeLessThanOrEqual(2);
  });

  it('does not try a schedule again and again that makes no sense', async () => {
    const world = await worldWhere(1_000);
    await world.create(CronJob, { ...every(), spec: { ...every().spec, schedule: 'often' } });
    await world.advance(3_600_000);
    expect(world.reports.length).toBeLessThan(5);
  });
});
