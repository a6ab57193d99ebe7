import { combineWrites, memoryStore } from 'setpoint/store';
import { FakeClock } from 'setpoint/testing';
import { describeStoreConformance } from './suite.ts';

describeStoreConformance('combineWrites over memoryStore', async () => {
  const clock = new FakeClock();
  const store = combineWrites(memoryStore({ clock }), { clock });
  return {
    store,
    answersProgress: true,
    elapse: (ms) => clock.advance(ms),
    another: async () => combineWrites(memoryStore({ clock }), { clock }),
    dispose: () => store.close(),
  };
});
