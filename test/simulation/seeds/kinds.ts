import { defineResource } from 'setpoint';
import { z } from 'zod';

const group = { group: 'seeds.test', version: 'v1' } as const;

/** What a person writes. */
export const App = defineResource({
  ...group,
  kind: 'App',
  plural: 'apps',
  spec: z.object({ replicas: z.int().default(1), size: z.int().default(1), note: z.string().default('') }),
  status: z.object({
    phase: z.string().default(''),
    count: z.int().default(0),
    external: z.string().default(''),
    stamp: z.string().default(''),
  }),
});

/** What controllers make of it. */
export const Child = defineResource({
  ...group,
  kind: 'Child',
  plural: 'children',
  spec: z.object({ size: z.int().default(1), app: z.string().default(''), index: z.int().default(0) }),
  status: z.object({ done: z.boolean() }),
});

/** What must outlive children: data. */
export const Volume = defineResource({
  ...group,
  kind: 'Volume',
  plural: 'volumes',
  spec: z.object({ app: z.string(), index: z.int().default(0), size: z.int().default(1) }),
});

export const status = { phase: '', count: 0, external: '', stamp: '' };

export const names = (app: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${app}-${index}`);
