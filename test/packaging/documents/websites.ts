import { defineController, defineResource } from 'setpoint';
import { z } from 'zod';

/** The kinds that the documents speak of. */
const kind = { group: 'demo.dev', version: 'v1' };

export const Website = defineResource({
  ...kind,
  kind: 'Website',
  plural: 'websites',
  spec: z.object({ replicas: z.int().default(1) }),
  status: z.object({ ready: z.int() }),
});
export const Server = defineResource({ ...kind, kind: 'Server', plural: 'servers', spec: z.object({}) });
export const Sized = defineResource({
  ...kind,
  kind: 'Sized',
  plural: 'sizeds',
  spec: z.object({ size: z.int(), name: z.string().optional() }),
});
export const websites = defineController(Website, { owns: [Server], reconcile: () => {} });
