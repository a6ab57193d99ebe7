import { Cron } from 'croner';
import { type Clock, defineController, defineResource, type ObjectOf, terminal } from 'setpoint';
import { z } from 'zod';

const names = { group: 'demo.dev', version: 'v1' };

/** Jobs at certain times. */
export const CronJob = defineResource({
  ...names,
  kind: 'CronJob',
  plural: 'cronjobs',
  spec: z.object({
    /** Five fields, in UTC: `*\/5 * * * *` is every five minutes. */
    schedule: z.string(),
    command: z.array(z.string()).min(1),
    /** What to do when the job before still runs. */
    concurrencyPolicy: z.enum(['Allow', 'Forbid', 'Replace']).default('Allow'),
    /** A run that is missed by more, because nobody was there to start it, is left out. */
    startingDeadlineMs: z.int().min(0).default(60_000),
    /** So many jobs that have ended are kept. */
    historyLimit: z.int().min(0).default(3),
    suspend: z.boolean().default(false),
  }),
  status: z.object({ lastScheduled: z.string().optional(), active: z.int() }),
});

/** One run of a command. */
export const Job = defineResource({
  ...names,
  kind: 'Job',
  plural: 'jobs',
  spec: z.object({ command: z.array(z.string()).min(1), scheduledFor: z.string() }),
  status: z.object({ phase: z.enum(['Running', 'Succeeded', 'Failed']), message: z.string() }),
});
type Job = ObjectOf<typeof Job>;

/** Makes a Job whenever the schedule says so. Everything it has to remember is in objects: it may be killed at any time. */
export function createCronJobController(clock: Clock) {
  return defineController(CronJob, {
    owns: [Job],
    async reconcile({ object, owned, status }) {
      const { spec, metadata } = object;
      const jobs = owned(Job);
      const all = [...jobs.list()].sort((a, b) => (a.spec.scheduledFor < b.spec.scheduledFor ? -1 : 1));
      const running = all.filter((job) => !hasEnded(job) && job.metadata.deletionTimestamp === undefined);

      const now = clock.wallNow();
      const since = Date.parse(object.status?.lastScheduled ?? metadata.creationTimestamp);
      const due = lastDue(spec.schedule, Math.max(since, now - spec.startingDeadlineMs - 60_000), now);
      let lastScheduled = object.status?.lastScheduled;
      if (due !== undefined && !spec.suspend) {
        lastScheduled = new Date(due).toISOString();
        if (spec.concurrencyPolicy === 'Replace') for (const job of running) await jobs.delete(job);
        if (spec.concurrencyPolicy !== 'Forbid' || running.length === 0) {
          // The name says which run it is: doing this twice, after a crash, makes one job.
          const name = `${metadata.name}-${due / 60_000}`;
          await jobs.apply({ name, spec: { command: spec.command, scheduledFor: lastScheduled } });
        }
      }
      const ended = all.filter(hasEnded);
      for (const job of ended.slice(0, Math.max(0, ended.length - spec.historyLimit))) await jobs.delete(job);

      await status({ active: running.length, ...(lastScheduled !== undefined && { lastScheduled }) });
      return { requeueAfterMs: nextRun(spec.schedule, now) - now };
    },
  });
}

/** The last time in (since, now] that the schedule names: of several missed ones only that is made up for. */
function lastDue(schedule: string, since: number, now: number): number | undefined {
  let due: number | undefined;
  for (let at = nextRun(schedule, since); at <= now; at = nextRun(schedule, at)) due = at;
  return due;
}

/** The first minute after `after`. A schedule that says nothing is terminal: trying again mends none, a change of it does. */
export function nextRun(schedule: string, after: number): number {
  try {
    const next = new Cron(schedule, { mode: '5-part', timezone: 'UTC' }).nextRun(new Date(after));
    if (next) return next.getTime();
  } catch (error) {
    throw terminal(error);
  }
  throw terminal(new Error(`the schedule '${schedule}' names a time that never comes`));
}

function hasEnded({ status }: Job): boolean {
  return status !== undefined && status.phase !== 'Running';
}
