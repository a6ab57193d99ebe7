import { defineResource, type ObjectOf } from 'setpoint';
import { z } from 'zod';

const names = { group: 'ci.setpoint.dev', version: 'v1' };

/** One step of a pipeline: a command, and what must have succeeded before it. */
const step = z.object({
  name: z.string().regex(/^[a-z0-9-]{1,40}$/, 'expected lower-case letters, digits and "-"'),
  command: z.array(z.string().min(1)).min(1),
  env: z.record(z.string(), z.string()).default({}),
  /** Names of other steps. Without them it waits for all steps of the stages before its own. */
  needs: z.array(z.string()).optional(),
  /** How often it is tried again when it fails. */
  retries: z.int().min(0).max(10).default(0),
  timeoutMs: z.int().min(100).max(3_600_000).default(600_000),
});

const stages = z.array(z.object({ name: z.string(), steps: z.array(step).min(1) })).min(1);

/** Stages that run one after the other, each with steps that run side by side. */
export const Pipeline = defineResource({
  ...names,
  kind: 'Pipeline',
  plural: 'pipelines',
  spec: z
    .object({
      stages,
      /** Ends what runs, and starts nothing more. */
      cancelled: z.boolean().default(false),
    })
    .superRefine(({ stages: all }, context) => {
      for (const message of whatIsWrong(all)) context.addIssue({ code: 'custom', message, path: ['stages'] });
    }),
  status: z.object({
    phase: z.enum(['Running', 'Succeeded', 'Failed', 'Cancelled']),
    steps: z.record(z.string(), z.enum(['Waiting', 'Running', 'Succeeded', 'Failed', 'Skipped', 'Cancelled'])),
  }),
});

/** One step at work, as a process of the operating system. */
export const StepRun = defineResource({
  ...names,
  kind: 'StepRun',
  plural: 'stepruns',
  spec: z.object({ step, cancelled: z.boolean().default(false) }),
  status: z.object({
    phase: z.enum(['Running', 'Succeeded', 'Failed', 'Cancelled']),
    attempts: z.int(),
    message: z.string(),
    /** The last lines of what it said. */
    log: z.array(z.string()),
  }),
});

export type Pipeline = ObjectOf<typeof Pipeline>;
export type StepRun = ObjectOf<typeof StepRun>;
export type Step = StepRun['spec']['step'];

/** Each step with the names of all that must have succeeded before it. */
export function needsOf(
  all: Pipeline['spec']['stages'],
): ReadonlyMap<string, { readonly step: Step; readonly needs: readonly string[] }> {
  const before: string[] = [];
  const result = new Map<string, { step: Step; needs: readonly string[] }>();
  for (const stage of all) {
    for (const each of stage.steps) result.set(each.name, { step: each, needs: each.needs ?? [...before] });
    before.push(...stage.steps.map(({ name }) => name));
  }
  return result;
}

function whatIsWrong(all: Pipeline['spec']['stages']): string[] {
  const needs = needsOf(all);
  const steps = all.flatMap((stage) => stage.steps);
  const wrong = steps
    .filter(({ name }, i) => steps.findIndex((other) => other.name === name) !== i)
    .map(({ name }) => `two steps are called "${name}"`);
  for (const [name, { needs: its }] of needs) {
    for (const other of its) if (!needs.has(other)) wrong.push(`"${name}" needs "${other}", which is no step`);
  }
  // Takes away what can run, again and again: what is left over waits for itself.
  const left = new Map(needs);
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const [name, { needs: its }] of left) if (its.every((other) => !left.has(other))) left.delete(name);
  }
  if (wrong.length === 0 && left.size > 0)
    wrong.push(`these steps wait for each other: ${[...left.keys()].join(', ')}`);
  return wrong;
}
