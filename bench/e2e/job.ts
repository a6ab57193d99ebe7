/** The job of the end-to-end benchmark: what is created, and what every process is asked for and answers. */
import { defineResource } from 'setpoint';
import { z } from 'zod';

/** A kind with a status of one field. `stamp` is when the object was created, in nanoseconds that all processes share. */
export const Widget = defineResource({
  group: 'bench.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  spec: z.object({ stamp: z.string(), filling: z.string() }),
  status: z.object({ seen: z.string() }),
});

/** What an object is stored as, whoever works on it. */
export interface StoredWidget {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly stamp: string; readonly filling: string };
  readonly status?: { readonly seen: string; readonly observedGeneration: number };
}

const OBJECT_BYTES = 1024;

/** The stored text of a new object, 1 KiB of it: what `client.create` would have stored. */
export function newWidget(index: number): { readonly name: string; readonly text: string } {
  const name = `widget-${String(index).padStart(6, '0')}`;
  const object = {
    apiVersion: 'bench.dev/v1',
    kind: 'Widget',
    metadata: {
      namespace: 'default',
      name,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { stamp: String(process.hrtime.bigint()), filling: '' },
  };
  const text = JSON.stringify(object);
  const filling = 'x'.repeat(Math.max(0, OBJECT_BYTES - text.length));
  return { name, text: text.replace('"filling":""', `"filling":"${filling}"`) };
}

/** Where the objects lie; ends with '/'. */
export const widgetsPrefix = (prefix: string): string => `${prefix}/widgets/`;

export const contestants = ['setpoint', 'etcd3'] as const;
export type ContestantName = (typeof contestants)[number];

export interface ControllerTask {
  readonly contestant: ContestantName;
  readonly endpoint: string;
  readonly prefix: string;
  readonly workers: number;
  /** How many statuses there are to write. */
  readonly count: number;
}

export interface CreatorTask {
  readonly endpoint: string;
  readonly prefix: string;
  readonly count: number;
  /** Objects per second; absent: as fast as 64 puts at a time go. */
  readonly perSecond?: number;
}

/** What a controller's process measured of itself. */
export interface Figures {
  /** From the first status call to the last answer. */
  readonly statusMs: number;
  /** From the controller's start (or from the first creation where that is later) to the last answer. */
  readonly totalMs: number;
  /** CPU of the controller's process from its start to the last answer. */
  readonly cpuMs: number;
  /** The most memory the process ever had. */
  readonly peakMb: number;
  /** From an object's creation to the answer of its status write. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}
