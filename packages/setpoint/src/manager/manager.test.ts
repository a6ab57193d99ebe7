import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { Manager, type ManagerOptions, startOrder, stopOrder } from './manager.ts';
import type { Runnable } from './runnable.ts';

/** A runnable that writes down what happens to it, and can be held back at each step. */
function recorded(
  log: string[],
  name: string,
  hold: { ready?: Promise<void>; end?: Promise<void>; fail?: Promise<void> } = {},
): Runnable {
  return {
    name,
    async run(signal) {
      log.push(`start ${name}`);
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.race([stopped, hold.fail ?? stopped]);
      log.push(`stop ${name}`);
      await hold.end;
      log.push(`end ${name}`);
    },
    ...(hold.ready ? { ready: () => hold.ready! } : {}),
  };
}

const never = new Promise<void>(() => {});

function setup(options: ManagerOptions = {}) {
  const clock = new FakeClock();
  const log: string[] = [];
  const abort = new AbortController();
  return { clock, log, abort, manager: new Manager({ clock, ...options }) };
}

describe('the order of a life', () => {
  it('I-158: starts http, caches, others, warm-up, leader-elected, whatever the order of adding', async () => {
    expect(startOrder).toEqual(['http', 'caches', 'others', 'warmup', 'leader-elected']);
    const { manager, log, abort } = setup();
    for (const group of [...startOrder].toReversed()) manager.add(recorded(log, group), { group });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    expect(log).toEqual(startOrder.map((group) => `start ${group}`));
    abort.abort();
    await run;
  });

  it('I-158: starts a group only after all of the one before is ready', async () => {
    const { manager, log, abort } = setup();
    let cacheReady!: () => void;
    const ready = new Promise<void>((resolve) => (cacheReady = resolve));
    manager.add(recorded(log, 'slow cache', { ready }), { group: 'caches' });
    manager.add(recorded(log, 'quick cache'), { group: 'caches' });
    manager.add(recorded(log, 'controller'), { group: 'leader-elected' });
    const run = manager.run(abort.signal);
    await settle();
    expect(log).toEqual(['start slow cache', 'start quick cache']);
    expect(manager.state).toBe('starting');
    cacheReady();
    await settle();
    expect(log).toContain('start controller');
    expect(manager.state).toBe('ready');
    abort.abort();
    await run;
  });

  it('I-159: stops others and warm-up together, then leader-elected, then caches, then http', async () => {
    expect(stopOrder).toEqual([['warmup', 'others'], ['leader-elected'], ['caches'], ['http']]);
    const { manager, log, abort } = setup();
    for (const group of startOrder) manager.add(recorded(log, group), { group });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    log.length = 0;
    abort.abort();
    await run;
    expect(log.slice(0, 2).toSorted()).toEqual(['stop others', 'stop warmup']);
    expect(log.filter((line) => line.startsWith('end ')).slice(-3)).toEqual([
      'end leader-elected',
      'end caches',
      'end http',
    ]);
    expect(log.indexOf('end leader-elected')).toBeLessThan(log.indexOf('stop caches'));
    expect(log.indexOf('end caches')).toBeLessThan(log.indexOf('stop http'));
  });

  it('a stop during the start starts no further group and resolves', async () => {
    const { manager, log, abort, clock } = setup();
    manager.add(recorded(log, 'cache', { ready: never }), { group: 'caches' });
    manager.add(recorded(log, 'controller'));
    const run = manager.run(abort.signal);
    await settle();
    abort.abort();
    await run;
    expect(log).toEqual(['start cache', 'stop cache', 'end cache']);
    await expect(manager.whenReady()).rejects.toMatchObject({ code: 'Closed' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('starts nothing when the signal had aborted before', async () => {
    const { manager, log } = setup();
    manager.add(recorded(log, 'a'));
    await manager.run(AbortSignal.abort());
    expect(log).toEqual([]);
  });
});

describe('the graceful time-out', () => {
  it('I-160: after 30 s run rejects and names what did not stop', async () => {
    const { manager, log, abort, clock } = setup();
    manager.add(recorded(log, 'stuck', { end: never }));
    manager.add(recorded(log, 'good'));
    const outcome = manager.run(abort.signal).then(() => 'resolved', String);
    await manager.whenReady();
    abort.abort();
    await clock.advance(29_999);
    expect(manager.state).toBe('stopping');
    await clock.advance(1);
    const message = await outcome;
    expect(message).toContain('Timeout');
    expect(message).toContain('stuck');
    expect(message).not.toContain('good');
    expect(clock.pendingTimers).toBe(0);
  });

  it('I-160: what comes after the stuck step is still told to stop', async () => {
    const { manager, log, abort, clock } = setup({ gracefulTimeoutMs: 100 });
    manager.add(recorded(log, 'stuck', { end: never }));
    manager.add(recorded(log, 'cache'), { group: 'caches' });
    const outcome = manager.run(abort.signal).catch((error: unknown) => error);
    await manager.whenReady();
    abort.abort();
    await clock.advance(100);
    const error = (await outcome) as Error;
    expect(error.message).toMatch(/stuck/);
    expect(error.message).not.toMatch(/cache/);
    expect(log).toContain('end cache');
  });

  it('I-160: a negative one waits for ever', async () => {
    const { manager, log, abort, clock } = setup({ gracefulTimeoutMs: -1 });
    let end!: () => void;
    manager.add(recorded(log, 'slow', { end: new Promise<void>((resolve) => (end = resolve)) }));
    const run = manager.run(abort.signal);
    await manager.whenReady();
    abort.abort();
    await clock.advance(3_600_000);
    expect(manager.state).toBe('stopping');
    end();
    await run;
    expect(log).toContain('end slow');
  });
});

describe('failures', () => {
  it("I-162: a runnable's error stops everything and is what run rejects with", async () => {
    const { manager, log, abort } = setup();
    const broken = new Error('broken');
    let fail!: (error: Error) => void;
    manager.add(recorded(log, 'bad', { fail: new Promise<void>((_resolve, reject) => (fail = reject)) }));
    manager.add(recorded(log, 'good'), { group: 'caches' });
    const run = manager.run(abort.signal).catch((error: unknown) => error);
    await manager.whenReady();
    fail(broken);
    expect(await run).toBe(broken);
    expect(log).toContain('end good');
  });

  it('I-162: a runnable that throws synchronously, or is never ready, fails the start alike', async () => {
    for (const runnable of [
      { name: 'thrower', run: (): Promise<void> => { throw new Error('sync'); } }, // prettier-ignore
      { name: 'unready', run: () => never, ready: () => Promise.reject(new Error('unready')) },
    ]) {
      const { manager, abort, clock } = setup({ gracefulTimeoutMs: 10 });
      manager.add(runnable);
      const run = manager.run(abort.signal).catch((error: unknown) => error);
      await clock.advance(10);
      expect(await run).toMatchObject({ message: expect.stringMatching(/^(sync|unready)$/) });
      await expect(manager.whenReady()).rejects.toThrow(/sync|unready/);
    }
  });

  it('I-162: a runnable that returns does not stop the manager', async () => {
    const { manager, log, abort } = setup();
    manager.add({ name: 'short', run: () => Promise.resolve() });
    manager.add(recorded(log, 'long'));
    const run = manager.run(abort.signal);
    await manager.whenReady();
    await settle();
    expect(manager.state).toBe('ready');
    abort.abort();
    await run;
  });

  it('I-162: a runnable added after the start begins at once, and one added at the end is refused', async () => {
    const { manager, log, abort } = setup();
    const run = manager.run(abort.signal);
    await manager.whenReady();
    manager.add(recorded(log, 'late'));
    expect(log).toEqual(['start late']);
    abort.abort();
    await run;
    expect(log).toEqual(['start late', 'stop late', 'end late']);
    expect(() => manager.add(recorded(log, 'too late'))).toThrow('Closed');
  });

  it('I-161: who lost the lock is not waited for', async () => {
    const { SetpointError } = await import('../errors/index.ts');
    const { manager, log, abort, clock } = setup();
    const lost = new SetpointError('LockLost', 'leader election lost');
    manager.add({ name: 'election', run: () => Promise.reject(lost) });
    manager.add(recorded(log, 'controller', { end: never }));
    await expect(manager.run(abort.signal)).rejects.toBe(lost);
    expect(clock.pendingTimers).toBe(0);
  });

  it('runs once', async () => {
    const { manager } = setup();
    await manager.run(AbortSignal.abort());
    await expect(manager.run()).rejects.toMatchObject({ code: 'Invalid' });
  });

  it('stop() before the run ends it there', async () => {
    const { manager } = setup();
    await manager.stop();
    await expect(manager.run()).rejects.toMatchObject({ code: 'Invalid' });
    await expect(manager.whenReady()).rejects.toMatchObject({ code: 'Closed' });
  });
});

describe('process signals', () => {
  afterEach(() => vi.restoreAllMocks());

  it('I-164: the first SIGTERM stops gracefully, the second exits with code 1, and both are given back', async () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
    const before = process.listenerCount('SIGTERM');
    const { manager, log, clock } = setup({ gracefulTimeoutMs: 50 });
    manager.add(recorded(log, 'stuck', { end: never }));
    const run = manager.run().catch((error: unknown) => error);
    await manager.whenReady();
    process.emit('SIGTERM');
    await settle();
    expect(manager.state).toBe('stopping');
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM');
    expect(exit).toHaveBeenCalledWith(1);
    await clock.advance(50);
    expect(await run).toMatchObject({ code: 'Timeout' });
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it('I-164: signals are left alone when run is given one to obey', async () => {
    const before = [process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')];
    const { manager, abort } = setup();
    const run = manager.run(abort.signal);
    await manager.whenReady();
    expect([process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')]).toEqual(before);
    abort.abort();
    await run;
  });
});
