import { describe, expect, it } from 'vitest';
import { held, started } from '../../../../test/harness/started-controller.ts';
import { settle } from '../internal/fake-clock.ts';

describe('attempts', () => {
  it('have ids of their own, which begin alike within a controller', async () => {
    const ids: string[] = [];
    const { controller, stop } = await started((_, { reconcileId }) => void ids.push(reconcileId));
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    await settle();
    const [start] = ids[0]!.split(/\d+$/);
    expect(ids).toEqual([1, 2, 3].map((number) => `${start}${number}`));
    await stop();
  });

  it('that the stop ends are no failures: told at debug, not counted, and not tried again', async () => {
    const { controller, lines, metric, abort, run } = await started(
      (_, { signal }) =>
        new Promise((__, reject) =>
          signal.addEventListener('abort', () => reject(new Error('given up')), { once: true }),
        ),
    );
    controller.enqueue('a');
    await settle();
    abort.abort();
    await run;
    const told = lines.filter(({ message }) => message === 'the stop ended a reconcile');
    expect(told).toMatchObject([{ level: 'debug', fields: { key: 'a', err: { message: 'given up' } } }]);
    expect(metric('controller_runtime_reconcile_total{controller="test",result="error"}')).toBe(0);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('that fail, that use up their time, and that ignore their signal are told with what there is to know', async () => {
    const { reconcile, end } = held();
    const { controller, clock, lines, stop } = await started(
      (request, attempt) => {
        if (request.key === 'fails') throw new TypeError('a bug');
        return reconcile(request, attempt);
      },
      { timeoutMs: 100, graceMs: 50, concurrency: 2 },
    );
    for (const key of ['fails', 'stuck']) controller.enqueue(key);
    await settle();
    const failure = { key: 'fails', attempt: 1, panic: true, err: { message: 'a bug' } };
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: failure }]);
    lines.length = 0;
    controller.pause();
    await clock.advance(150);
    expect(lines.filter(({ fields }) => fields['key'] === 'stuck')).toMatchObject([
      { level: 'warn', fields: { timeoutMs: 100, graceMs: 50 } },
      { level: 'error', fields: { afterMs: 150 } },
    ]);
    await end('stuck');
    await stop();
  });
});
