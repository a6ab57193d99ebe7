/** A job every minute: `node dist/main.js`; Ctrl-C ends it. */
import { createManager, memoryStore, systemClock } from 'setpoint';
import { createCronJobController, CronJob, Job } from './cron-jobs.ts';
import { createJobRunner } from './job-runner.ts';

const manager = createManager({
  store: memoryStore(),
  controllers: [createCronJobController(systemClock), createJobRunner()],
});
manager.informer(Job).addEventHandler({
  update: (_before, { metadata, status }) => console.log(`${metadata.name}: ${status?.phase}`),
});
await manager.client.resource(CronJob).create({
  name: 'say-hello',
  spec: { schedule: '* * * * *', command: ['node', '-e', "console.log('hello')"] },
});
console.log('a job runs at each full minute');
await manager.run();
