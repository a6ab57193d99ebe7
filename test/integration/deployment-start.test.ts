import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { programsOf } from '../../examples/deployment/src/agent/leftovers.ts';
import { sendSignal } from '../../examples/deployment/src/agent/process-table.ts';
import { availableEtcds, startEtcd } from '../harness/etcd-server.ts';
import { ExampleProgram, manifests } from './deployment-example.ts';

const STEPS = 7;
const WAIT = { timeout: 60_000 };
const HELD = { code: 0, output: expect.stringContaining(`All ${STEPS} steps held`) };

const versions = await availableEtcds();

describe('npm start', () => {
  const programs: ExampleProgram[] = [];
  afterEach(async () => {
    for (const program of programs.splice(0)) {
      await program.end('SIGKILL');
      running(program).forEach((pid) => sendSignal(pid, 'SIGKILL'));
    }
  });

  function start(
    programArguments: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): ExampleProgram {
    const program = new ExampleProgram('main.js', programArguments, environment);
    programs.push(program);
    return program;
  }

  /** What this very run has running, by the mark of its agents. */
  function running({ child }: ExampleProgram): number[] {
    const marked = ['node-1', 'node-2'].flatMap((node) => [...programsOf(node)]);
    return marked.filter(([, mark]) => mark.split('/')[1] === String(child.pid)).map(([pid]) => pid);
  }

  async function untilRunning(program: ExampleProgram): Promise<void> {
    while (running(program).length === 0) {
      if (program.child.exitCode !== null) throw new Error(`it ended early:\n${program.output}`);
      await sleep(20);
    }
  }

  it('holds every step on the embedded store, and leaves no process', async () => {
    const program = start();
    const code = await program.ended();
    expect({ code, output: program.output }).toMatchObject(HELD);
    expect(program.output.match(/✓/g)).toHaveLength(STEPS);
    expect(program.output).not.toContain('Warning');
    expect(running(program)).toEqual([]);
  });

  it.each(versions)('does the same on etcd %s, and leaves nothing in it', async (version) => {
    const etcd = await startEtcd({ version });
    try {
      const program = start([], { ETCD_ENDPOINTS: etcd.endpoints.join(',') });
      const code = await program.ended();
      expect({ code, output: program.output }).toMatchObject(HELD);
      expect(program.output).not.toContain('Warning');
      expect((await etcd.etcdctl(['get', '', '--prefix', '--keys-only'])).trim()).toBe('');
      expect(running(program)).toEqual([]);
    } finally {
      await etcd.dispose();
    }
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('stops at %s, also a doubled one, and leaves no process', async (signal) => {
    const program = start();
    await untilRunning(program);
    program.child.kill(signal); // a terminal's Ctrl-C arrives twice: from it, and from npm's script
    expect(await program.end(signal)).toBe(130);
    expect(running(program)).toEqual([]);
  });

  it('leaves no process even when it is killed with -9', async () => {
    const program = start();
    await untilRunning(program);
    await program.end('SIGKILL');
    for (let tries = 0; running(program).length > 0 && tries < 100; tries++) await sleep(50);
    expect(running(program)).toEqual([]);
  });

  it('with --keep stays, and follows the manifests as they are edited', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'setpoint-manifests-'));
    const write = async (replicas: string): Promise<void> => {
      const text = await readFile(`${manifests}helloworld.yaml`, 'utf8');
      await writeFile(join(folder, 'helloworld.yaml'), text.replace('replicas: 3', `replicas: ${replicas}`));
    };
    try {
      await write('2');
      const program = start(['--keep', '--port', '0', '--manifests', folder]);
      const settledOn = (count: number) => expect.poll(() => running(program).length, WAIT).toBe(count);
      await expect.poll(() => program.output, WAIT).toContain('Ctrl-C ends it');
      await settledOn(2);
      await write('4');
      await settledOn(4);
      await write('many');
      await expect
        .poll(() => program.output, WAIT)
        .toMatch(/helloworld\.yaml:\d+:3: .*spec\.replicas: .*expected number/);
      await write('1');
      await settledOn(1);
      expect(await program.end('SIGINT')).toBe(0);
      expect(running(program)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says which endpoint has no etcd, and what to run', async () => {
    const program = start([], { ETCD_ENDPOINTS: 'http://127.0.0.1:1' });
    expect(await program.ended()).toBe(2);
    expect(program.output).toMatch(/http:\/\/127\.0\.0\.1:1.*\n?.*docker compose up/s);
    expect(program.output).not.toMatch(/^\s+at /m);
  });
});
