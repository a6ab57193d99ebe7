import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock } from 'setpoint';
import { afterEach, describe, expect, it } from 'vitest';
import { type Observation, restartDelayMs } from './program.ts';
import { isRunning } from './process-table.ts';
import type { Launch } from './replica.ts';
import { Supervisor } from './supervisor.ts';

const READY = `process.send({ type: 'ready', port: 4711 });`;
const STAY = 'setInterval(() => {}, 1000);';

function launch(script: string, rest: Partial<Launch> = {}): Launch {
  const command = [process.execPath, '-e', script];
  return { command, env: {}, directory: tmpdir(), readyTimeoutMs: 5_000, stopGraceMs: 2_000, ...rest };
}

describe('Supervisor', () => {
  let now = 0;
  let changes = 0;
  /** Real timers, since the processes are real; but the waits between restarts pass when the test says so. */
  const clock: Clock = { ...systemClock, now: () => now };
  let supervisor = new Supervisor(clock, () => (changes += 1));
  const reset = async (): Promise<void> => {
    await supervisor.close();
    now = 0;
    changes = 0;
    supervisor = new Supervisor(clock, () => (changes += 1));
  };
  afterEach(reset);

  /** Tells what is wanted after each change, as the agent does, until it is as far as asked for. */
  async function until(phase: Observation['phase'], wanted: Launch, identity = 'a'): Promise<Observation> {
    for (;;) {
      const seen = changes;
      const observation = supervisor.ensure('web', { identity, launch: wanted });
      if (observation.phase === phase) return observation;
      while (changes === seen) await sleep(5);
    }
  }

  it('runs a program and learns over the channel on which port it answers', async () => {
    const { pid, port, restarts } = await until('Running', launch(READY + STAY));
    expect({ port, restarts }).toEqual({ port: 4711, restarts: 0 });
    expect(isRunning(pid!)).toBe(true);
    await supervisor.stop('web');
    expect(isRunning(pid!)).toBe(false);
  });

  it('starts a program once, however often it is told', async () => {
    const first = supervisor.ensure('web', { identity: 'a', launch: launch(READY + STAY) });
    const second = supervisor.ensure('web', { identity: 'a', launch: launch(READY + STAY) });
    expect(second.pid).toBe(first.pid);
  });

  it('starts a killed program again after its wait, not sooner', async () => {
    const wanted = launch(READY + STAY);
    const first = await until('Running', wanted);
    process.kill(first.pid!, 'SIGKILL');
    const down = await until('BackOff', wanted);
    expect(down).toEqual({
      phase: 'BackOff',
      ready: false,
      restarts: 0,
      failure: { reason: 'Killed', message: 'it was killed by SIGKILL' },
      againInMs: 500,
    });
    now += 499;
    expect(supervisor.ensure('web', { identity: 'a', launch: wanted }).phase).toBe('BackOff');
    now += 1;
    const starting = supervisor.ensure('web', { identity: 'a', launch: wanted });
    expect(starting).toMatchObject({ phase: 'Starting', failure: { reason: 'Killed' } });
    const second = await until('Running', wanted);
    expect(second.restarts).toBe(1);
    expect(second.failure).toBeUndefined();
    expect(second.pid).not.toBe(first.pid);
  });

  it('waits longer after each failure, and starts over once the program was healthy', async () => {
    const crashing = launch('');
    expect((await until('BackOff', crashing)).againInMs).toBe(500);
    now += 500;
    supervisor.ensure('web', { identity: 'a', launch: crashing });
    expect((await until('BackOff', crashing)).againInMs).toBe(1_000);
    await reset();

    const wanted = launch(READY + STAY);
    for (const healthyMs of [0, 10_000]) {
      now += 100_000;
      const { pid } = await until('Running', wanted);
      now += healthyMs;
      process.kill(pid!, 'SIGKILL');
      expect((await until('BackOff', wanted)).againInMs).toBe(500);
    }
    expect([1, 2, 3, 7, 1_000].map(restartDelayMs)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  });

  it.each<[string, Launch, string, RegExp]>([
    [
      'a program that does not exist',
      launch('', { command: ['no-such-program'] }),
      'CommandNotFound',
      /no program 'no-such-program'/,
    ],
    [
      'a program that may not be run',
      launch('', { command: ['/etc/passwd'] }),
      'CommandNotStarted',
      /can't be started/,
    ],
    ['a crash, with its last words', launch(`console.error('no luck'); process.exit(3)`), 'Exited', /code 3: no luck/],
    [
      'what the program says itself',
      launch(`process.send({ type: 'failed', reason: 'PortInUse', message: 'port 1' }, () => process.exit(1))`),
      'PortInUse',
      /^port 1$/,
    ],
    [
      'an environment that is too large',
      launch('', { env: { BIG: 'x'.repeat(200_000) } }),
      'CommandNotStarted',
      /can't be started: spawn E2BIG/,
    ],
    [
      'an environment that no program can have, without quoting it',
      launch('', { env: { TOKEN: 's3cret\0' } }),
      'CommandNotStarted',
      /^(?!.*s3cret).*NUL character$/,
    ],
    [
      'a port that there is not',
      launch(`process.send({ type: 'ready', port: 99999 }); ${STAY}`),
      'InvalidPort',
      /a port that there is not/,
    ],
    [
      'a long reason of its own, cut',
      launch(`process.send({ type: 'failed', reason: 'R'.repeat(1000), message: 'no' }, () => process.exit(1))`),
      'R'.repeat(64),
      /^no$/,
    ],
    ['a program that is never ready', launch(STAY, { readyTimeoutMs: 200 }), 'NotReadyInTime', /within 200 ms/],
  ])('says why a program does not run: %s', async (_title, wanted, reason, message) => {
    const { failure } = await until('BackOff', wanted);
    expect(failure?.reason).toBe(reason);
    expect(failure?.message).toMatch(message);
  });

  it('kills a program that ignores SIGTERM after the grace', async () => {
    const { pid } = await until(
      'Running',
      launch(`process.on('SIGTERM', () => {}); ${READY} ${STAY}`, { stopGraceMs: 100 }),
    );
    await supervisor.stop('web');
    expect(isRunning(pid!)).toBe(false);
  });

  it('passes over what is no message on the channel, whatever program writes it', async () => {
    const wanted = launch('', {
      command: ['sh', '-c', `echo hello >&3; echo null >&3; echo '{"type":"ready","port":4711}' >&3; exec sleep 100`],
      env: { PATH: process.env['PATH']! },
    });
    expect((await until('Running', wanted)).port).toBe(4711);
  });

  it('stops what a program has started, too', async () => {
    const script = `const c = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      process.send({ type: 'load', value: c.pid }); ${READY} ${STAY}`;
    const { load: grandchild } = await until('Running', launch(script));
    expect(isRunning(grandchild!)).toBe(true);
    await supervisor.stop('web');
    for (let tries = 0; isRunning(grandchild!) && tries < 200; tries++) await sleep(10);
    expect(isRunning(grandchild!)).toBe(false);
  });

  it('keeps nothing open of a program that is gone, though what escaped from it holds its streams', async () => {
    const escaped = `require('child_process').spawn('sleep', ['20'], { detached: true, stdio: [0, 1, 2, 3] })`;
    const wanted = launch(`const c = ${escaped}; console.log(c.pid); c.unref(); process.exit()`);
    const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
    const before = pipes();
    await until('BackOff', wanted);
    await sleep(0);
    expect(pipes()).toBe(before);
    process.kill(Number(supervisor.logs('web', false)!.lines()[0]), 'SIGKILL');
  });

  it('replaces a program whose identity has changed, and never runs both', async () => {
    const slow = `process.on('SIGTERM', () => setTimeout(process.exit, 150));`;
    const first = await until('Running', launch(slow + READY + STAY));
    expect(supervisor.ensure('web', { identity: 'b', launch: launch(READY + STAY) }).phase).toBe('Stopping');
    expect(isRunning(first.pid!)).toBe(true);
    const second = await until('Running', launch(READY + STAY), 'b');
    expect(isRunning(first.pid!)).toBe(false);
    expect(second.restarts).toBe(0);
  });

  it('starts nothing once closed', async () => {
    await supervisor.close();
    const observation = supervisor.ensure('web', { identity: 'a', launch: launch(STAY) });
    expect(observation).toEqual({ phase: 'Stopping', ready: false, restarts: 0 });
  });

  /** A server that answers /ready and /alive as it is told over its environment and by requests to /break. */
  const PROBED = `
    let broken = false;
    const server = require('http').createServer((request, response) => {
      if (request.url === '/break') broken = true;
      response.statusCode = broken ? 500 : 200;
      response.end();
    }).listen(0, '127.0.0.1', () => process.send({ type: 'ready', port: server.address().port }));`;
  const probe = { path: '/', initialDelayMs: 0, periodMs: 50, timeoutMs: 2_000, failureThreshold: 2 };

  async function untilTrue(holds: (seen: Observation) => boolean, wanted: Launch): Promise<Observation> {
    for (;;) {
      const seen = changes;
      const observation = supervisor.ensure('web', { identity: 'a', launch: wanted });
      if (holds(observation)) return observation;
      while (changes === seen) await sleep(5);
    }
  }

  it('is ready when its readiness probe succeeds, and not any more when it fails; the program goes on', async () => {
    const wanted = launch(PROBED, { readinessProbe: probe });
    const first = await until('Running', wanted);
    expect(first).toMatchObject({ ready: false, unready: 'its readiness probe has not succeeded yet' });
    const ready = await untilTrue((seen) => seen.ready, wanted);
    await fetch(`http://127.0.0.1:${ready.port}/break`);
    const broken = await untilTrue((seen) => !seen.ready, wanted);
    expect(broken).toMatchObject({
      phase: 'Running',
      pid: first.pid,
      unready: expect.stringContaining('answered with 500'),
    });
  });

  it('ends a program whose liveness probe fails, says so, and starts it again', async () => {
    const wanted = launch(PROBED, { livenessProbe: probe });
    const first = await until('Running', wanted);
    await fetch(`http://127.0.0.1:${first.port}/break`);
    const down = await until('BackOff', wanted);
    expect(down.failure).toEqual({
      reason: 'Unhealthy',
      message: 'its liveness probe failed: GET / was answered with 500',
    });
    now += 60_000;
    expect((await until('Running', wanted)).restarts).toBe(1);
  });

  it('is not ready any more from the moment that its liveness probe fails, however long it takes to end', async () => {
    const wanted = launch(`process.on('SIGTERM', () => {});${PROBED}`, { livenessProbe: probe, stopGraceMs: 20_000 });
    const first = await until('Running', wanted);
    await fetch(`http://127.0.0.1:${first.port}/break`);
    expect(await until('Stopping', wanted)).toMatchObject({ pid: first.pid, ready: false });
    process.kill(first.pid!, 'SIGKILL');
  });

  it.each(['readinessProbe', 'livenessProbe'] as const)(
    'takes a %s that can not be asked for one that fails',
    async (kind) => {
      const wanted = launch(PROBED, { [kind]: { ...probe, path: '/no such path' } });
      const why = ({ unready, failure }: Observation) => unready ?? failure?.message ?? '';
      const seen = await untilTrue((each) => why(each).includes('failed'), wanted);
      expect(why(seen)).toMatch(/probe failed: GET \/no such path: ERR_UNESCAPED_CHARACTERS$/);
    },
  );

  it('leaves no connection behind where an answer to a probe never ends', async () => {
    const endless = `
      let open = 0;
      const server = require('http').createServer((request, response) => {
        if (request.url === '/open') return response.end(String(open));
        open++;
        response.once('close', () => open--).write('and so on');
      }).listen(0, '127.0.0.1', () => process.send({ type: 'ready', port: server.address().port }));`;
    const wanted = launch(endless, { readinessProbe: { ...probe, timeoutMs: 50 } });
    const { port } = await untilTrue((seen) => seen.ready, wanted);
    await sleep(500);
    const open = Number(await (await fetch(`http://127.0.0.1:${port}/open`)).text());
    expect(open).toBeLessThanOrEqual(2);
  });

  it.each([
    ['OnFailure', 0, 'Completed'],
    ['OnFailure', 3, 'BackOff'],
    ['Never', 0, 'Completed'],
    ['Never', 3, 'Failed'],
    ['Always', 0, 'BackOff'],
  ] as const)('with restart policy %s and exit code %i it is %s', async (restartPolicy, code, phase) => {
    const wanted = launch(`process.exit(${code})`, { restartPolicy });
    await until(phase, wanted);
    now += 600_000;
    const { restarts } = supervisor.ensure('web', { identity: 'a', launch: wanted });
    expect(restarts).toBe(phase === 'BackOff' ? 1 : 0);
  });

  it('keeps what each run has said, of both streams, also of the run before', async () => {
    const wanted = launch("console.log('one'); console.error('two'); process.exit(1)");
    await until('BackOff', wanted);
    expect([...supervisor.logs('web', false)!.lines()].sort()).toEqual(['one', 'two']);
    expect(supervisor.logs('web', true)).toBeUndefined();
    now += 60_000;
    await until('BackOff', wanted);
    expect(supervisor.logs('web', true)!.lines(1)).toHaveLength(1);
    expect(supervisor.logs('nobody', false)).toBeUndefined();
  });
});
