import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { availableEtcds } from '../harness/etcd-server.ts';

/** The short forms of `npm run histories` and `npm run histories -- counter`: real processes on real etcd. */
const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const newest = (await availableEtcds()).at(-1)!;

/** What the program printed last; rejects when it ends with another code than 0. */
async function program(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [`.cache/linearizability/${name}.js`, '--etcd', newest, ...args], {
    cwd: root,
  });
  return stdout.trim().split('\n').at(-1)!;
}

describe('locks between processes', { timeout: 600_000 }, () => {
  beforeAll(async () => {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'test/linearizability'], { cwd: root });
  }, 120_000);

  it('I-153: five processes add to one counter under one lock, and it ends at exactly what they added', async () => {
    const said = await program('counter-main', '--increments', '300', '--ttl', '10');
    expect(said).toContain('300 acknowledged, 0 refused as deposed, 0 unknown, counter 300, 0 lost, 0 surprises');
  });

  it.each(['busy', 'STOP'])(
    'I-153, F-68, F-69: with sections stalled past the lease (%s) every acknowledged increment is there, and late ones are refused',
    async (by) => {
      const said = await program('counter-main', '--stall', '0.15', '--by', by, '--seconds', '5');
      expect(said).toContain('0 lost, 0 surprises');
    },
  );

  it('I-153, F-79: histories under kill, STOP, stall and partition are linearizable, by two judges', async () => {
    const said = await program('main', '--count', '40', '--together', '40', '--seed', String(Date.now() % 1e6));
    expect(said).toContain('violations: 0 by the witness, 0 by the search');
  });
});
