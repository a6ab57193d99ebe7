import { afterEach, describe, expect, it, vi } from 'vitest';
import { channel } from 'node:diagnostics_channel';
import { deferred } from '../internal/deferred.ts';
import { silentLogger } from '../internal/logger.ts';
import { FakeClock, settle } from '../internal/fake-clock.ts';
import { lifeOrder, startOrder } from './life-order.ts';
import { Manager, type ManagerOptions } from './manager.ts';
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
  it('I-158, I-159: is one array', () => {
    const steps = lifeOrder.map((step) =>
      'start' in step ? `start ${step.start.join(' and ')}` : `stop ${step.stop.join(' and ')}`,
    );
    console.log(steps.join('\n'));
    expect(steps).toEqual([
      'start http',
      'start leases',
      'start caches',
      'start others',
      'start warmup',
      'start leader-elected',
      'stop warmup and others',
      'stop leader-elected',
      'stop leases',
      'stop caches',
      'stop http',
    ]);
  });

  it('I-158: starts http, leases, caches, others, warm-up, leader-elected, whatever the order of adding', async () => {
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

  it('I-159: stops others and warm-up together, then leader-elected, then its lease, then caches, then http', async () => {
    const { manager, log, abort } = setup();
    for (const group of startOrder) manager.add(recorded(log, group), { group });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    log.length = 0;
    abort.abort();
    await run;
    expect(log.slice(0, 2).toSorted()).toEqual(['stop others', 'stop warmup']);
    expect(log.filter((line) => line.startsWith('end ')).slice(-4)).toEqual([
      'end leader-elected',
      'end leases',
      'end caches',
      'end http',
    ]);
    expect(log.indexOf('end leader-elected')).toBeLessThan(log.indexOf('stop leases'));
    expect(log.indexOf('end leases')).toBeLessThan(log.indexOf('stop caches'));
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

  it('I-160: says where each of them is stuck, also one that can not say', async () => {
    const { manager, log, abort, clock } = setup({ gracefulTimeoutMs: 5000 });
    const stuck = { ...recorded(log, 'websites', { end: never }), busyWith: () => ['default/a for 31 s'] };
    const broken = {
      ...recorded(log, 'mute', { end: never }),
      busyWith: () => {
        throw new Error('busy');
      },
    };
    manager.add(stuck, { group: 'leader-elected' }).add(broken, { group: 'leader-elected' });
    const outcome = manager.run(abort.signal).catch(String);
    await manager.whenReady();
    abort.abort();
    await clock.advance(5000);
    expect(await outcome).toContain("'websites' (leader-elected, for 5 s): default/a for 31 s; 'mute' (leader-elected");
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

  it("I-162: one that ends with its signal's reason or an AbortError was stopped, not broken", async () => {
    const aborted = (signal: AbortSignal): Promise<unknown> =>
      new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const { manager, abort } = setup();
    manager.add({ run: (signal) => aborted(signal).then(() => Promise.reject(signal.reason)) });
    const abortError = new DOMException('stopped', 'AbortError');
    manager.add({ run: (signal) => aborted(signal).then(() => Promise.reject(abortError)) });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    abort.abort();
    await run;

    const broken = setup();
    const error = new Error('could not close');
    broken.manager.add({ run: (signal) => aborted(signal).then(() => Promise.reject(error)) });
    const failed = broken.manager.run(broken.abort.signal);
    await broken.manager.whenReady();
    broken.abort.abort();
    await expect(failed).rejects.toBe(error);
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

  it('I-161: on standby everything else runs; what is leader-elected starts once elected', async () => {
    const elected = deferred();
    const { manager, log, abort } = setup({ leadership: { elected: () => elected.promise } });
    manager.add(recorded(log, 'cache'), { group: 'caches' });
    manager.add(recorded(log, 'controller'), { group: 'leader-elected' });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    expect([manager.state, log]).toEqual(['standby', ['start cache']]);
    expect(manager.checks.manager()).toBeUndefined();
    elected.resolve();
    await settle();
    expect([manager.state, log.at(-1)]).toEqual(['ready', 'start controller']);
    abort.abort();
    await run;
  });

  it('I-161: a standby that is stopped was never elected, and its election is told', async () => {
    const { manager, log, abort } = setup({
      leadership: { elected: (signal) => new Promise((_, reject) => signal.addEventListener('abort', reject)) },
    });
    manager.add(recorded(log, 'controller'), { group: 'leader-elected' });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    abort.abort();
    await run;
    expect(log).toEqual([]);
  });

  it('I-161: an election that breaks ends the run with its error', async () => {
    const broken = new Error('no session');
    const { manager } = setup({ leadership: { elected: () => Promise.reject(broken) } });
    await expect(manager.run(new AbortController().signal)).rejects.toBe(broken);
  });

  it('I-161: who lost the lock is not waited for', async () => {
    const { SetpointError } = await import('../errors/index.ts');
    const told: string[] = [];
    const say = (_: object, message: string): void => void told.push(message);
    const logger = { ...silentLogger, warn: say, error: say };
    const { manager, log, abort, clock } = setup({ logger });
    const lost = new SetpointError('LockLost', 'leader election lost');
    manager.add({ name: 'election', run: () => Promise.reject(lost) });
    manager.add(recorded(log, 'controller', { end: never }));
    await expect(manager.run(abort.signal)).rejects.toBe(lost);
    expect(clock.pendingTimers).toBe(0);
    expect(told.join()).toMatch(/the leadership was lost, and these were still at work: .*controller/);
    expect(told.join()).not.toContain('did not stop within');
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

describe('what it tells of itself', () => {
  it('I-190: names what it waits for while it starts and stops, and is quiet in between', async () => {
    const ready = deferred();
    const end = deferred();
    const { manager, log, abort, clock } = setup();
    manager.add(recorded(log, 'cache of Server', { ready: ready.promise, end: end.promise }), { group: 'caches' });
    manager.add(recorded(log, 'websites'), { group: 'leader-elected' });
    expect(manager.checks.manager).toThrow('new');
    const run = manager.run(abort.signal);
    await clock.advance(12_000);
    expect(manager.checks.manager).toThrow("starting, 'cache of Server' (caches, for 12 s)");
    expect(manager.status().map(({ name, state, group }) => [name, state, group])).toEqual([
      ['cache of Server', 'starting', 'caches'],
      ['websites', 'waiting', 'leader-elected'],
    ]);
    ready.resolve();
    await settle();
    expect(manager.checks.manager()).toBeUndefined();
    expect(manager.status().map(({ state }) => state)).toEqual(['ready', 'ready']);
    abort.abort();
    await settle();
    expect(manager.checks.manager).toThrow("stopping, 'cache of Server' (caches, for 0 s)");
    end.resolve();
    await run;
    expect(manager.status()).toEqual([]);
  });

  it('I-190: runnables are asked how they are, and every one that is not well is named', async () => {
    const { manager, log, abort } = setup();
    const health: Record<string, () => string | void> = { lease: () => {}, agent: () => {} };
    for (const name of ['lease', 'agent']) manager.add({ ...recorded(log, name), health: () => health[name]!() });
    const run = manager.run(abort.signal);
    await manager.whenReady();
    expect(manager.checks.runnables()).toBeUndefined();
    health['agent'] = () => 'one process does not end';
    expect(manager.checks.runnables()).toBe('agent: one process does not end');
    health['lease'] = () => {
      throw new Error('lost 3 s ago');
    };
    expect(manager.checks.runnables).toThrow('lease: lost 3 s ago');
    abort.abort();
    await run;
  });

  it('publishes its states on the channel setpoint:manager', async () => {
    const states: unknown[] = [];
    const listen = (message: unknown): void => void states.push((message as { readonly state: string }).state);
    channel('setpoint:manager').subscribe(listen);
    const { manager, abort } = setup();
    const run = manager.run(abort.signal);
    await manager.whenReady();
    abort.abort();
    await run;
    channel('setpoint:manager').unsubscribe(listen);
    expect(states).toEqual(['starting', 'ready', 'stopping', 'stopped']);
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
