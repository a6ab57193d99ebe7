/**
 * What does combining writes bring? Conditional writes to one etcd by 1, 10, 64 and 256 writers at a time, combined and
 * one by one: how many a second, what each costs the client in CPU, how long each takes.
 *
 * Each measurement has a process of its own; the two ways take turns, round after round, and medians are compared.
 * `--help` tells the options.
 */
import { fork } from 'node:child_process';
import { commandLine, flag, whole } from '../test/harness/command-line.ts';
import { reporting } from './report.ts';
import { startBenchEtcd } from './store/bench-etcd.ts';
import { reportWrites, type WriteMeasurement } from './writes/writes-report.ts';
import { ways, type WriteFigures, type WriteTask } from './writes/write-task.ts';

const options = commandLine({
  run: 'npm run bench -- writes',
  about: 'Conditional writes a second, combined and one by one, by 1 to 256 writers at a time.',
  options: {
    short: flag('less of everything, to see that it works'),
    fsync: flag('etcd waits for the disk'),
    rounds: whole('of each measurement, in turns (default 5; short: 2)', { min: 1 }),
    ms: whole('how long each takes (default 4000; short: 1000)', { min: 1 }),
    ...reporting,
  },
});
const rounds = options.rounds ?? (options.short ? 2 : 5);
const measureMs = options.ms ?? (options.short ? 1000 : 4000);
const WRITERS = [1, 10, 64, 256];
const VALUE_BYTES = 512;

const etcd = await startBenchEtcd(new URL('../../', import.meta.url), { fsync: options.fsync });
try {
  const measurements: WriteMeasurement[] = WRITERS.flatMap((writers) =>
    ways.map((way) => ({ writers, way, rounds: [] })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { writers, way, rounds: figures } of measurements) {
      const task = { way, writers, endpoint: etcd.endpoint, valueBytes: VALUE_BYTES, warmUpMs: 1000, measureMs };
      figures.push(await inProcess(task));
    }
  }
  reportWrites(measurements, { gate: options.gate, json: options.json, etcd: etcd.version });
} finally {
  await etcd.dispose();
}

function inProcess(task: WriteTask): Promise<WriteFigures> {
  const child = fork(new URL('writes/writes-process.js', import.meta.url), [JSON.stringify(task)], { execArgv: [] });
  return new Promise((resolve, reject) => {
    let figures: WriteFigures | undefined;
    child.on('message', (message) => (figures = message as WriteFigures));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (figures !== undefined && code === 0) resolve(figures);
      else reject(new Error(`a measured process ended with ${code}`));
    });
  });
}
