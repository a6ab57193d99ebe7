import { SetpointError } from 'setpoint';
import { FakeClock, seededRandom } from 'setpoint/testing';
import { describe, expect, it } from 'vitest';
import { drive, errorOf, revisionOf, sampleClient } from '../../../../test/harness/sample-objects.ts';
import { retryOnConflict, type RetryOnConflictOptions } from './index.ts';

const conflict = (): SetpointError =>
  new SetpointError('Conflict', 'Website "default/web": it moved', { details: { key: '/k' } });

function contended(options: RetryOnConflictOptions) {
  const clock = new FakeClock();
  const attempts: { readonly attempt: number; readonly at: number }[] = [];
  const start = clock.now();
  const call = retryOnConflict(
    async (attempt) => {
      attempts.push({ attempt, at: clock.now() - start });
      throw conflict();
    },
    { clock, random: seededRandom(3), ...options },
  );
  call.catch(() => {});
  return { clock, attempts, call };
}

describe('retryOnConflict', () => {
  it('I-116: a hundred concurrent increments by read and update end at exactly a hundred', async () => {
    const { websites, clock } = sampleClient();
    await websites.create({ name: 'web', spec: { message: 'hello', replicas: 0 } });
    const increment = (): Promise<void> =>
      retryOnConflict(
        async () => {
          const web = await websites.get('web');
          await websites.update(web, { spec: { ...web.spec, replicas: web.spec.replicas + 1 } });
        },
        { clock, attempts: 200, random: seededRandom(5) },
      );
    await drive(clock, Promise.all(Array.from({ length: 100 }, increment)));
    expect((await websites.get('web')).spec.replicas).toBe(100);
  });

  it('gives back what the body made, and tells it the number of its attempt', async () => {
    const clock = new FakeClock();
    const third = async (attempt: number): Promise<string> => {
      if (attempt < 3) throw conflict();
      return `attempt ${attempt}`;
    };
    expect(await drive(clock, retryOnConflict(third, { clock }))).toBe('attempt 3');
  });

  it('ends as a Conflict that says how often, with the last one as its cause', async () => {
    const { clock, attempts, call } = contended({ attempts: 4 });
    const error = await errorOf(drive(clock, call));
    expect(error).toMatchObject({
      code: 'Conflict',
      details: { key: '/k' },
      cause: { code: 'Conflict' },
      message: expect.stringMatching(/tried 4 times, .* \(4 attempts were allowed\)\. The last time: Website/),
    });
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });

  it('tries 30 times unless told otherwise', async () => {
    const { clock, attempts, call } = contended({});
    await errorOf(drive(clock, call));
    expect(attempts).toHaveLength(30);
  });

  it('begins no attempt after its budget, with delays that grow', async () => {
    const { clock, attempts, call } = contended({ budgetMs: 2000, attempts: 1000 });
    expect(await errorOf(drive(clock, call))).toMatchObject({
      code: 'Conflict',
      message: expect.stringMatching(/budget was 2000 ms/),
    });
    const times = attempts.map(({ at }) => at);
    expect(times.at(-1)).toBeLessThanOrEqual(2000);
    expect(times.length).toBeGreaterThan(6);
    expect(times.length).toBeLessThan(20);
    expect(times[1]).toBeLessThan(15);
  });

  it('throws at once whatever is no conflict: a lost answer is not asked for twice', async () => {
    for (const code of ['OutcomeUnknown', 'Invalid', 'NotFound', 'Unavailable'] as const) {
      let runs = 0;
      const error = new SetpointError(code, 'x');
      const failing = retryOnConflict(async () => {
        runs++;
        throw error;
      });
      expect([await errorOf(failing), runs]).toEqual([error, 1]);
    }
  });

  it('ends when its signal aborts, also before the first attempt', async () => {
    const controller = new AbortController();
    const { clock, attempts, call } = contended({ signal: controller.signal });
    await clock.advance(50);
    const before = attempts.length;
    controller.abort(new Error('stop'));
    expect(await errorOf(call)).toMatchObject({ code: 'Aborted', cause: { message: 'stop' } });
    await clock.advance(10_000);
    expect(attempts).toHaveLength(before);
    const late = contended({ signal: controller.signal });
    expect([await errorOf(late.call), late.attempts]).toMatchObject([{ code: 'Aborted' }, []]);
  });

  it('refuses options that make no sense, and runs nothing', async () => {
    let runs = 0;
    const body = async (): Promise<number> => runs++;
    for (const options of [{ attempts: 0 }, { attempts: 1.5 }, { budgetMs: -1 }, { budgetMs: Number.NaN }]) {
      expect(await errorOf(retryOnConflict(body, options))).toMatchObject({
        code: 'Invalid',
        details: { path: Object.keys(options)[0] },
      });
    }
    expect(await errorOf(retryOnConflict('body' as never))).toMatchObject({
      code: 'Invalid',
      details: { path: 'body' },
    });
    expect(runs).toBe(0);
    expect(await revisionOf(sampleClient().store)).toBe(1n);
  });
});
