import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from 'setpoint/testing';
import type { EtcdServer } from '../harness/etcd-server.ts';
import type { WorkerProcess } from './worker-process.ts';

export const FAULTS = ['none', 'kill', 'STOP', 'stall', 'partition', 'one-way', 'cut'] as const;
export type Fault = (typeof FAULTS)[number];

export const SERVER_FAULTS = ['none', 'none', 'none', 'server kill', 'server STOP', 'isolate'] as const;
export type ServerFault = (typeof SERVER_FAULTS)[number];

/** What is done to one worker in one window. */
export interface FaultPlan {
  readonly fault: Fault;
  readonly afterMs: number;
  readonly lastsMs: number;
}

/** Longer than a lease of four seconds lives, mostly. */
export function planFault(random: Random): FaultPlan {
  const fault = FAULTS[Math.floor(random.next() * FAULTS.length)]!;
  return { fault, afterMs: 300 + random.next() * 2500, lastsMs: 3000 + random.next() * 3000 };
}

export async function afflict(worker: WorkerProcess, { fault, afterMs, lastsMs }: FaultPlan): Promise<void> {
  await wait(afterMs);
  switch (fault) {
    case 'none':
      return;
    case 'kill':
      return worker.signal('SIGKILL');
    case 'stall':
      return worker.tell({ stallMs: lastsMs });
    case 'cut':
      return worker.proxy.cut();
    case 'STOP':
      worker.signal('SIGSTOP');
      await wait(lastsMs);
      return worker.signal('SIGCONT');
    case 'partition':
    case 'one-way':
      worker.proxy.hold(fault === 'partition' ? 'both' : 'server');
      await wait(lastsMs);
      return worker.proxy.release();
    default:
      fault satisfies never;
  }
}

export async function afflictServer(server: EtcdServer, fault: ServerFault, random: Random): Promise<void> {
  await wait(500 + random.next() * 2000);
  const index = Math.floor(random.next() * server.members.length);
  switch (fault) {
    case 'none':
      return;
    case 'server kill':
      return server.members[index]!.restart();
    case 'server STOP':
      server.members[index]!.pause();
      await wait(500 + random.next() * 1500);
      return server.members[index]!.resume();
    case 'isolate':
      if (server.members.length === 1) return;
      await server.isolate(index);
      await wait(1500 + random.next() * 2000);
      return server.heal();
    default:
      fault satisfies never;
  }
}
