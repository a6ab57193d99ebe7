import { defineController } from 'setpoint';
import { needsOf, Pipeline, StepRun } from './kinds.ts';

type StepPhase = 'Waiting' | 'Running' | 'Succeeded' | 'Failed' | 'Skipped' | 'Cancelled';

/**
 * Starts each step when all that it needs has succeeded, skips what can't run any more, and sums up. It holds nothing
 * in memory: killed in the middle, it goes on from the objects.
 */
export const pipelineController = defineController(Pipeline, {
  owns: [StepRun],
  async reconcile({ object, owned, status }) {
    const { stages, cancelled } = object.spec;
    const runs = owned(StepRun);
    const byName = new Map(runs.list().map((run) => [run.spec.step.name, run]));
    const phases = new Map<string, StepPhase>();

    const all = needsOf(stages);
    // In an order in which every step comes after what it needs: each pass settles those whose needs are settled.
    for (let before = -1; before !== phases.size;) {
      before = phases.size;
      for (const [name, { step, needs }] of all) {
        if (phases.has(name) || !needs.every((other) => phases.has(other))) continue;
        const run = byName.get(name);
        const needed = needs.map((other) => phases.get(other)!);
        if (run) {
          phases.set(name, run.status?.phase ?? 'Running');
          if (cancelled && !run.spec.cancelled)
            await runs.apply({ name: run.metadata.name, spec: { step, cancelled } });
        } else if (cancelled) {
          phases.set(name, 'Cancelled');
        } else if (needed.some((phase) => ['Failed', 'Skipped', 'Cancelled'].includes(phase))) {
          phases.set(name, 'Skipped');
        } else if (needed.every((phase) => phase === 'Succeeded')) {
          await runs.apply({ name: `${object.metadata.name}-${name}`, spec: { step } });
          phases.set(name, 'Running');
        } else {
          phases.set(name, 'Waiting');
        }
      }
    }
    const phase = sumUp([...phases.values()]);
    const failed = [...phases].filter(([, each]) => each === 'Failed').map(([name]) => name);
    await status(
      { phase, steps: Object.fromEntries(phases) },
      {
        type: 'Complete',
        status: phase !== 'Running',
        reason: phase,
        message:
          failed.length > 0
            ? `these steps failed: ${failed.join(', ')}`
            : `${count(phases, 'Succeeded')} of ${phases.size} steps succeeded`,
      },
    );
  },
});

function sumUp(phases: readonly StepPhase[]): 'Running' | 'Succeeded' | 'Failed' | 'Cancelled' {
  if (phases.some((phase) => phase === 'Running' || phase === 'Waiting')) return 'Running';
  if (phases.includes('Failed')) return 'Failed';
  return phases.includes('Cancelled') ? 'Cancelled' : 'Succeeded';
}

function count(phases: ReadonlyMap<string, StepPhase>, wanted: StepPhase): number {
  return [...phases.values()].filter((phase) => phase === wanted).length;
}
