import type { ApplyInput, Client, ObjectChanges, ObjectInput, ObjectRef } from '../../client/index.ts';
import { isSetpointError, SetpointError } from '../../errors/index.ts';
import type { AnyResourceDefinition, ObjectOf, StatusOf } from '../../resource/index.ts';

/** How a step of the user is timed. */
export interface StepOptions {
  /** At once, while controllers are at work, instead of when they have come to rest. */
  readonly soon?: boolean;
}

/**
 * The user's hand in a simulation. Each step waits until the world is at rest, then acts on the store directly: no
 * fault strikes it. Where a fault keeps what it needs from being there, it tries again for a while, as people do.
 */
export interface SimulatedUser {
  create<Kind extends AnyResourceDefinition>(
    kind: Kind,
    input: ObjectInput<Kind>,
    options?: StepOptions,
  ): Promise<ObjectOf<Kind>>;
  apply<Kind extends AnyResourceDefinition>(
    kind: Kind,
    input: ApplyInput<Kind>,
    options?: StepOptions,
  ): Promise<ObjectOf<Kind>>;
  /** Reads, changes and writes spec and metadata. */
  modify<Kind extends AnyResourceDefinition>(
    kind: Kind,
    ref: ObjectRef,
    change: (object: ObjectOf<Kind>) => ObjectChanges<Kind>,
    options?: StepOptions,
  ): Promise<ObjectOf<Kind>>;
  /** Plays the part of whatever reports a status, such as an agent. */
  modifyStatus<Kind extends AnyResourceDefinition>(
    kind: Kind,
    ref: ObjectRef,
    change: (object: ObjectOf<Kind>) => StatusOf<Kind> | undefined,
    options?: StepOptions,
  ): Promise<ObjectOf<Kind>>;
  /** Deleting what is gone already is no error. */
  delete(kind: AnyResourceDefinition, ref: ObjectRef, options?: StepOptions): Promise<void>;
  /** Deletes, and resolves at the next rest, by which it must be gone. */
  deleteAndRest(kind: AnyResourceDefinition, ref: ObjectRef): Promise<void>;
  get<Kind extends AnyResourceDefinition>(kind: Kind, ref: ObjectRef): Promise<ObjectOf<Kind> | undefined>;
  list<Kind extends AnyResourceDefinition>(kind: Kind): Promise<readonly ObjectOf<Kind>[]>;
  /** Resolves when the world is at rest. */
  rest(): Promise<void>;
  /** Resolves after so much virtual time. */
  wait(ms: number): Promise<void>;
}

/** What the user waits for: the scheduler calls `act` when its time has come. */
export interface UserStep {
  readonly label: string;
  /** `rest`: when nothing is under way; `soon`: at the next pick; a number: at that time. */
  readonly when: 'rest' | 'soon' | number;
  readonly act: () => Promise<void>;
}

/** What the hand needs of its world. */
export interface UserSurroundings {
  readonly client: Client;
  readonly post: (step: UserStep) => void;
  readonly now: () => number;
  /** Whether what is missing may yet come: a fault is in the way. */
  readonly patient: () => boolean;
  /** Whether this step of the scenario, counted from 1, is left out: a failure is being made smaller. */
  readonly omits: (number: number) => boolean;
}

/** How often, and how far apart, a step is tried again that fails while faults are in the way. */
const TRIES = 8;
const TRY_AGAIN_MS = 6000;

/** The user's hand over a client that is not under the scheduler's control. */
export function simulatedUser({ client, post, now, patient, omits }: UserSurroundings): SimulatedUser {
  let steps = 0;
  const step = <T>(label: string, act: () => Promise<T>, when: UserStep['when']): Promise<T> =>
    new Promise((resolve, reject) => {
      // What the step would have returned is missing: a scenario that needs it fails, and is not made smaller so.
      if (omits(++steps)) return resolve(undefined as T);
      const attempt = (number: number, at: UserStep['when']): void => {
        const failed = (error: unknown): void => {
          if (number < TRIES && patient() && isSetpointError(error)) attempt(number + 1, now() + TRY_AGAIN_MS);
          else reject(error);
        };
        post({ label: number === 1 ? label : `${label} (again)`, when: at, act: () => act().then(resolve, failed) });
      };
      attempt(1, when);
    });
  const timed = (options: StepOptions = {}): UserStep['when'] => (options.soon ? 'soon' : 'rest');
  const named = (verb: string, kind: AnyResourceDefinition, ref: ObjectRef): string =>
    `${verb} ${kind.kind} ${typeof ref === 'string' ? ref : 'metadata' in ref ? ref.metadata.name : ref.name}`;
  const remove = (kind: AnyResourceDefinition, ref: ObjectRef, options?: StepOptions): Promise<void> =>
    step(
      named('delete', kind, ref),
      async () => {
        const found = await client.resource(kind).find(ref);
        if (found) await client.resource(kind).delete(ref);
      },
      timed(options),
    );
  return {
    create: (kind, input, options) =>
      step(named('create', kind, input.name), () => client.resource(kind).create(input), timed(options)),
    apply: (kind, input, options) =>
      step(named('apply', kind, input.name), () => client.resource(kind).apply(input), timed(options)),
    modify: (kind, ref, change, options) =>
      step(named('modify', kind, ref), () => client.resource(kind).modify(ref, change), timed(options)),
    modifyStatus: (kind, ref, change, options) =>
      step(
        named('report status of', kind, ref),
        () => client.resource(kind).modifyStatus(ref, change as never),
        timed(options),
      ),
    delete: remove,
    async deleteAndRest(kind, ref) {
      await remove(kind, ref);
      await step(
        'wait until it is gone',
        async () => {
          if (await client.resource(kind).find(ref)) throw new SetpointError('AlreadyExists', `it is still there`);
        },
        'rest',
      );
    },
    get: (kind, ref) => step(named('look at', kind, ref), () => client.resource(kind).find(ref), 'rest'),
    list: (kind) => step(`list ${kind.kind}`, async () => (await client.resource(kind).list()).items, 'rest'),
    rest: () => step('wait for rest', () => Promise.resolve(), 'rest'),
    wait: (ms) => step(`wait ${ms} ms`, () => Promise.resolve(), now() + ms),
  };
}
