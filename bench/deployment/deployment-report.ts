import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { median } from '../rounds.ts';
import { type ContestantName, parts, type RunFigures } from './job.ts';

export interface Measured {
  readonly contestant: ContestantName;
  readonly runs: RunFigures[];
}

export interface ReportOptions {
  readonly deployments: number;
  readonly replicas: number;
  readonly nodes: number;
  readonly gate: boolean;
  readonly json: string | undefined;
  readonly etcd: string;
}

/** Process objects that are made, placed and answer, a second. */
const WANTED_PER_SECOND = 1000;

/** Prints what each process of each contestant took, medians of the rounds, and the fastest round beside the aim. */
export function reportDeployment(measured: readonly Measured[], options: ReportOptions): void {
  const { deployments, replicas, nodes, etcd } = options;
  const processes = deployments * replicas;
  const rounds = measured[0]?.runs.length ?? 0;
  console.log(
    `${deployments} Deployments × ${replicas} on ${nodes} simulated nodes, etcd ${etcd}, medians of ${rounds}\n`,
  );
  console.log(row('', ['ready after s', 'processes/s', 'writes', 'writes/s', 'created in s']));
  for (const { contestant, runs } of measured) {
    const ready = middle(runs, ({ readyMs }) => readyMs);
    const writes = middle(runs, (run) => run.writes);
    console.log(
      row(contestant, [
        (ready / 1000).toFixed(2),
        whole((processes * 1000) / ready),
        whole(writes),
        whole((writes * 1000) / ready),
        (middle(runs, ({ createMs }) => createMs) / 1000).toFixed(2),
      ]),
    );
  }
  console.log(`\n${row('', ['CPU s', 'cores', 'peak MB', 'loop p50 ms', 'p99 ms', 'max ms'])}`);
  for (const { contestant, runs } of measured) {
    const ready = middle(runs, ({ readyMs }) => readyMs);
    for (const part of parts) {
      const of = (figure: keyof RunFigures['parts']['nodes']) => middle(runs, (run) => run.parts[part][figure]);
      const late = (['delayP50Ms', 'delayP99Ms', 'delayMaxMs'] as const).map((name) => of(name).toFixed(1));
      console.log(row(`${contestant}: ${part}`, [...used(of('cpuMs'), of('peakMb'), ready), ...late]));
    }
    const etcdUsed = used(
      middle(runs, (run) => run.etcd.cpuMs),
      middle(runs, (run) => run.etcd.peakMb),
      ready,
    );
    console.log(row(`${contestant}: etcd`, etcdUsed));
  }
  conclude(measured, options, processes);
}

function conclude(measured: readonly Measured[], { gate, json, etcd }: ReportOptions, processes: number): void {
  const bests = measured.map(({ contestant, runs }) => {
    const perSecond = (processes * 1000) / Math.min(...runs.map(({ readyMs }) => readyMs));
    return { contestant, perSecond };
  });
  const ours = bests.find(({ contestant }) => contestant === 'setpoint')?.perSecond ?? NaN;
  const met = ours >= WANTED_PER_SECOND;
  const said = bests.map(({ contestant, perSecond }) => `${contestant} ${whole(perSecond)}`).join(', ');
  console.log(
    `\n${met ? 'met    ' : 'NOT MET'}  deployment, processes/s of the fastest round: ${said}; wanted ${WANTED_PER_SECOND}`,
  );
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, etcd };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, measured, met }, undefined, 2)}\n`);
  if (gate && !met) process.exitCode = 1;
}

function used(cpuMs: number, peakMb: number, readyMs: number): string[] {
  return [(cpuMs / 1000).toFixed(2), (cpuMs / readyMs).toFixed(2), peakMb.toFixed(0)];
}

const middle = (runs: readonly RunFigures[], of: (run: RunFigures) => number): number => median(runs.map(of));
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const row = (name: string, cells: readonly string[]): string =>
  `  ${name.padEnd(26)}${cells.map((cell) => cell.padStart(14)).join('')}`;
