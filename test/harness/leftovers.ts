import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Whatever a test process leaves behind goes with it, also when it is killed: a guard process learns of each process
 * and folder, and acts when its pipe from here closes. Started with the first; it does not keep this process alive.
 */
let pipe: Socket | undefined;

export function processStarted(pid: number): void {
  tell('started', String(pid));
}

export function processEnded(pid: number): void {
  tell('ended', String(pid));
}

export function folderMade(path: string): void {
  tell('made', path);
}

export function folderRemoved(path: string): void {
  tell('removed', path);
}

function tell(what: string, name: string): void {
  pipe ??= startGuard();
  pipe.write(`${what}\t${name}\n`);
}

function startGuard(): Socket {
  const script = fileURLToPath(new URL('../../scripts/leftovers-guard.mjs', import.meta.url));
  // Detached: what ends the test's process group leaves the guard to clean up after it.
  const guard = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  const stdin = guard.stdin as Socket;
  stdin.unref();
  stdin.on('error', () => {});
  return stdin;
}
