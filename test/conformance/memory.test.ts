import { memoryStore } from 'setpoint/store';
import { FakeClock } from 'setpoint/testing';
import { describeStoreConformance } from './suite.ts';

describeStoreConformance('memoryStore', async () => {
  const clock = new FakeClock();
  const store = memoryStore({ clock });
  return {
    store,
    answersProgress: true,
    elapse: (ms) => clock.advance(ms),
    another: async () => memoryStore({ clock }),
    dispose: () => store.close(),
  };
});
