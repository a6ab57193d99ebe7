import { type ChildProcess, fork } from 'node:child_process';
import type { SimulationProgress } from 'setpoint/testing';
import type { Part, PartMessage, PartReport } from './worker.ts';

export interface Listener {
  /** A part is under way. */
  heard(part: Part, progress: SimulationProgress): void;
  /** A part has ended. */
  told(part: Part, report: PartReport): void;
}

/** Explores parts, each in the next of so many processes that is free. */
export async function exploreParts(parts: Iterable<Part>, jobs: number, listener: Listener): Promise<void> {
  const waiting = parts[Symbol.iterator]();
  const work = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    try {
      for (let next = waiting.next(); !next.done; next = waiting.next()) {
        child ??= fork(new URL('worker.js', import.meta.url));
        const part = next.value;
        listener.told(part, await answerOf(child, part, (progress) => listener.heard(part, progress)));
      }
    } finally {
      child?.disconnect();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

function answerOf(child: ChildProcess, part: Part, heard: (progress: SimulationProgress) => void): Promise<PartReport> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void =>
      reject(new Error(`the process that explored ${part.subject} ended by itself (${code})`));
    child.once('error', reject);
    child.once('exit', ended);
    const listen = (message: PartMessage): void => {
      if ('progress' in message) return heard(message.progress);
      child.off('error', reject);
      child.off('exit', ended);
      child.off('message', listen);
      resolve(message);
    };
    child.on('message', listen);
    child.send(part);
  });
}
