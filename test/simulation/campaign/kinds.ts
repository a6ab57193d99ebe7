import { defineResource } from 'setpoint';
import { z } from 'zod';

const group = { group: 'campaign.test', version: 'v1' } as const;

export const Part = defineResource({
  ...group,
  kind: 'Part',
  plural: 'parts',
  spec: z.object({ index: z.int() }),
  status: z.object({ seen: z.string() }),
});

export const Machine = defineResource({
  ...group,
  kind: 'Machine',
  plural: 'machines',
  spec: z.object({ parts: z.int() }),
  status: z.object({ parts: z.int() }),
});

export const Fleet = defineResource({
  ...group,
  kind: 'Fleet',
  plural: 'fleets',
  spec: z.object({ machines: z.int() }),
});

export const names = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);
