import type { StandardSchemaV1 } from '@standard-schema/spec';
import { defineResource, isPlainObject, type ResourceDefinition } from '../resource/index.ts';

/** Which object an event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
}

/** That an event recurred. */
export interface EventSeries {
  /** How often, the first time included: at least 2. */
  readonly count: number;
  /** RFC 3339. */
  readonly lastObservedTime: string;
}

/** As `events.k8s.io/v1`, with `message` for its `note`. */
export interface EventSpec {
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  /** A CamelCase word for machines. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
  /** What was being done, such as `Reconcile`. */
  readonly action?: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  /** When it happened first, RFC 3339. */
  readonly eventTime: string;
  readonly series?: EventSeries;
}

const TEXTS = ['reason', 'message', 'reportingController', 'reportingInstance', 'eventTime'];

const schema: StandardSchemaV1<EventSpec, EventSpec> = {
  '~standard': {
    version: 1,
    vendor: 'setpoint',
    validate(value) {
      const issues: StandardSchemaV1.Issue[] = [];
      const expect = (holds: boolean, path: string[], message: string): void => {
        if (!holds) issues.push({ path, message });
      };
      if (!isPlainObject(value)) return { issues: [{ message: 'expected an object' }] };
      for (const name of TEXTS) expect(typeof value[name] === 'string', [name], 'expected a string');
      expect(value['type'] === 'Normal' || value['type'] === 'Warning', ['type'], 'expected Normal or Warning');
      const { regarding, series } = value;
      for (const name of ['apiVersion', 'kind', 'name', 'uid']) {
        const holds = isPlainObject(regarding) && typeof regarding[name] === 'string';
        expect(holds, ['regarding', name], 'expected a string');
      }
      const counted = series === undefined || (isPlainObject(series) && Number.isSafeInteger(series['count']));
      expect(counted, ['series', 'count'], 'expected a whole number');
      return issues.length > 0 ? { issues } : { value: value as unknown as EventSpec };
    },
  },
};

/** The kind that events are stored as. */
export const Event: ResourceDefinition<EventSpec, EventSpec, object> = defineResource({
  group: 'events.setpoint.dev',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  spec: schema,
});
