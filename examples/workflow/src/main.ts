/** A small pipeline at work: `node dist/main.js`. */
import { createManager, memoryStore } from 'setpoint';
import { Pipeline, StepRun } from './kinds.ts';
import { pipelineController } from './pipeline-controller.ts';
import { processStarter } from './start-step.ts';
import { createStepController } from './step-controller.ts';

const manager = createManager({
  store: memoryStore(),
  controllers: [pipelineController, createStepController(processStarter())],
});
const say = (text: string) => ['node', '-e', `console.log(${JSON.stringify(text)})`];
const flaky = ['node', '-e', 'process.exit(Math.random() < 0.5 ? 1 : 0)'];

manager.informer(StepRun).addEventHandler({
  update(before, { spec, status }) {
    if (status && (status.phase !== before.status?.phase || status.attempts !== before.status.attempts)) {
      const lines = status.phase === 'Running' ? [] : status.log.map((line) => `\n    ${line}`);
      console.log(`  ${spec.step.name}: ${status.phase}, attempt ${status.attempts}${lines.join('')}`);
    }
  },
});
manager.informer(Pipeline).addEventHandler({
  update(_before, { metadata, status }) {
    if (status === undefined || status.phase === 'Running') return;
    console.log(`${metadata.name}: ${status.phase}`);
    void manager.stop();
  },
});
await manager.client.resource(Pipeline).create({
  name: 'release',
  spec: {
    stages: [
      {
        name: 'build',
        steps: [
          { name: 'compile', command: say('compiled') },
          { name: 'lint', command: say('no complaints') },
        ],
      },
      {
        name: 'test',
        steps: [
          { name: 'unit', command: flaky, retries: 8 },
          { name: 'docs', command: say('rendered'), needs: ['lint'] },
        ],
      },
      { name: 'ship', steps: [{ name: 'publish', command: say('published') }] },
    ],
  },
});
await manager.run();
