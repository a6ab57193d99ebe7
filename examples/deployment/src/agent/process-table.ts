import { readdirSync, readFileSync } from 'node:fs';

/**
 * The operating system's own account of what runs, from Linux's /proc: files that only look like files, and are read
 * without waiting. Elsewhere the lists are empty and the start times unknown; {@link isRunning} works everywhere.
 */
export function processIds(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/**
 * When a living process started, in clock ticks since boot: together with the pid, which is used again, an identity.
 * Undefined for a process that is gone, and for a zombie, which is dead and only wasn't buried yet.
 */
export function startTime(pid: number): string | undefined {
  // Counted after the name (field 2), which may hold anything: state is field 3 and the start time field 22.
  const stat = readProc(`${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** One variable of a process's environment as it was at its start; undefined where we may not look. */
export function environmentVariable(pid: number, name: string): string | undefined {
  const entry = readProc(`${pid}/environ`)
    .split('\0')
    .find((variable) => variable.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

export function isRunning(pid: number): boolean {
  return sendSignal(pid, 0) && (process.platform !== 'linux' || startTime(pid) !== undefined);
}

/** Whether there was such a process to signal. A negative pid means the whole group; signal 0 only asks. */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return ''; // gone in the meantime, or another user's
  }
}
