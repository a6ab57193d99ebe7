import { type ChildProcess, fork } from 'node:child_process';
import type { Part, PartReport } from './worker.ts';

/** Explores parts, each in the next of so many processes that is free. `told` is called with each as it ends. */
export async function exploreParts(
  parts: Iterable<Part>,
  jobs: number,
  told: (part: Part, report: PartReport) => void,
): Promise<void> {
  const waiting = parts[Symbol.iterator]();
  const work = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    try {
      for (let next = waiting.next(); !next.done; next = waiting.next()) {
        child ??= fork(new URL('worker.js', import.meta.url));
        told(next.value, await answerOf(child, next.value));
      }
    } finally {
      child?.disconnect();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

function answerOf(child: ChildProcess, part: Part): Promise<PartReport> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`the process that explored ${part.subject} ended by itself (${code})`));
    child.once('error', reject);
    child.once('exit', ended);
    child.once('message', (report: PartReport) => {
      child.off('error', reject);
      child.off('exit', ended);
      resolve(report);
    });
    child.send(part);
  });
}
