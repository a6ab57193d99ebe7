import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { agentMark, endLeftovers, leftovers, MARK } from './leftovers.ts';
import { isRunning, sendSignal } from './process-table.ts';

const started: number[] = [];

/** A program that ignores all polite ways to stop, under a mark. */
async function startMarked(mark: string): Promise<number> {
  const script = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`;
  const child = spawn(process.execPath, ['-e', script], {
    env: { [MARK]: mark },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child.pid!);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid!;
}

describe.runIf(process.platform === 'linux')('leftovers', () => {
  const node = `node-${process.pid}`;
  afterEach(() => started.splice(0).forEach((pid) => sendSignal(pid, 'SIGKILL')));

  it('ends what a dead agent of this node left, and nothing else', async () => {
    const mine = await startMarked(agentMark(node));
    const otherNodes = await startMarked(`another-${node}/${process.pid}/1`);
    const left = await startMarked(`${node}/${process.pid}/1`); // our pid, but another start: an earlier process

    expect(leftovers(node)).toEqual([left]);
    expect(await endLeftovers(node, 50)).toEqual([left]);

    expect(isRunning(left)).toBe(false);
    expect(isRunning(mine)).toBe(true);
    expect(isRunning(otherNodes)).toBe(true);
  });
});
