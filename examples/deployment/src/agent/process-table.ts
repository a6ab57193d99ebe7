import { readdir, readFile } from 'node:fs/promises';

/**
 * The operating system's own account of what runs, from Linux's /proc. Elsewhere the lists are empty and the start
 * times unknown; only {@link isRunning} works everywhere.
 */
export async function processIds(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => []);
  return names.map(Number).filter(Number.isInteger);
}

/**
 * When a living process started, in clock ticks since boot: together with the pid, which is used again, an identity.
 * Undefined for a process that is gone, and for a zombie, which is dead and only wasn't buried yet.
 */
export async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // Counted after the name (field 2), which may hold anything: state is field 3 and the start time field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** One variable of a process's environment as it was at its start; undefined where we may not look. */
export async function environmentVariable(pid: number, name: string): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const entry = environment.split('\0').find((variable) => variable.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

export async function isRunning(pid: number): Promise<boolean> {
  return sendSignal(pid, 0) && (process.platform !== 'linux' || (await startTime(pid)) !== undefined);
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
