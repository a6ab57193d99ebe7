/**
 * # Testing
 *
 * A reconciler runs unchanged in a unit test: on the embedded store, on virtual time, with seeded randomness, so that
 * an hour of back-off passes in a millisecond and the same test gives the same run every time.
 *
 * ```ts
 * const clock = new FakeClock();
 * const manager = createManager({ store: memoryStore({ clock }), clock, random: seededRandom(1), controllers });
 * const running = manager.run(stop.signal);
 * await manager.client.resource(Website).create({ name: 'hello', spec: { replicas: 3 } });
 * await clock.advance(1_000);
 * ```
 *
 * Next: `../internal/fake-clock.ts`
 */
export { FakeClock, settle } from '../internal/fake-clock.ts';
export { type Random, seededRandom } from '../internal/random.ts';
