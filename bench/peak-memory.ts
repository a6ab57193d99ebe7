import { readFileSync } from 'node:fs';

/**
 * The most memory this process has had resident, in MB. Linux' `maxRSS`, which Node gives, starts at that of whoever
 * forked the process: a small child of a large bench would be as large as the bench.
 */
export function peakMemoryMb(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024;
  const peakKb = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))![1];
  return Number(peakKb) / 1024;
}
