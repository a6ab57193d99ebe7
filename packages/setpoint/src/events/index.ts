/**
 * # Events
 *
 * What happened to an object, for people: "Warning FailedScheduling: no node has room". Stored as objects of the kind
 * {@link Event}, beside what they are about, and gone after an hour.
 *
 * It promises: recording never waits and never throws; what recurs is counted, not stored again; a flood about one
 * object, or of similar messages, ends in a few events; memory and queue are bounded, and what didn't fit is counted.
 * It does not promise that an event is stored: it is for looking at, never for acting on.
 *
 * ```ts
 * const recorder = createEventRecorder({ client });
 * manager.add(recorder); // it writes while it runs
 * const record = recorder.for('websites');
 * record(website, { type: 'Warning', reason: 'NoCertificate', message: 'the issuer does not answer' });
 * ```
 *
 * Next: `event-recorder.ts`, then `correlation.ts`
 */
export { Event, type EventSpec, type EventSeries, type ObjectReference } from './event-resource.ts';
export {
  createEventRecorder,
  EventRecorder,
  type EventRecorderOptions,
  type EventInput,
  type RecordEvent,
} from './event-recorder.ts';
