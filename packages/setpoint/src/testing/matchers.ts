import { type Condition, controllerOf, findCondition, isDeleting, type ResourceObject } from '../resource/index.ts';

/** What a matcher of vitest or jest answers. */
export interface MatcherAnswer {
  readonly pass: boolean;
  readonly message: () => string;
}

/** The parts of an event that tests look at. Objects of an events kind have them in their spec, or at the top. */
interface EventLike {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
}

type Expected = Partial<Pick<Condition, 'reason' | 'message' | 'observedGeneration'>>;

/**
 * For `expect.extend(setpointMatchers)`, of vitest or jest. Types come along by
 * `interface Matchers<T> extends SetpointMatchers<T> {}` in a `declare module 'vitest'`.
 */
export const setpointMatchers = {
  /** The object's status has the condition, `True` unless said otherwise, with these fields. */
  toHaveCondition(
    object: unknown,
    type: string,
    status: boolean | Condition['status'] = true,
    expected: Expected = {},
  ): MatcherAnswer {
    const wanted = typeof status === 'string' ? status : status ? 'True' : 'False';
    const conditions = (object as Partial<ResourceObject> | undefined)?.status?.conditions;
    const found = findCondition(conditions, type);
    const differing = (Object.keys(expected) as (keyof Expected)[]).find((name) => found?.[name] !== expected[name]);
    const pass = found?.status === wanted && differing === undefined;
    const has = conditions?.map((each) => `${each.type}=${each.status} (${each.reason}: ${each.message})`).join(', ');
    const wants = `${type}=${wanted}${differing === undefined ? '' : ` with ${differing} ${String(expected[differing])}`}`;
    return { pass, message: () => `expected ${pass ? 'no ' : ''}condition ${wants}; it has ${has || 'none'}` };
  },

  /** The object is controlled by `owner`, this very incarnation of it. */
  toBeControlledBy(object: unknown, owner: ResourceObject): MatcherAnswer {
    const reference = controllerOf((object as ResourceObject).metadata);
    const pass = reference?.uid === owner.metadata.uid;
    const has = reference ? `${reference.kind} ${reference.name} (${reference.uid})` : 'nobody';
    const { kind, metadata } = owner;
    const wants = `${kind} ${metadata.name} (${metadata.uid})`;
    return { pass, message: () => `expected ${pass ? 'not ' : ''}to be controlled by ${wants}; it is by ${has}` };
  },

  /** The object's deletion was asked for. */
  toBeDeleting(object: unknown): MatcherAnswer {
    const pass = isDeleting((object as ResourceObject).metadata);
    return { pass, message: () => `expected ${pass ? 'no' : 'a'} deletionTimestamp on the object` };
  },

  /** One of the events has these fields: `expect(events).toHaveEvent({ reason: 'Scaled' })`. */
  toHaveEvent(events: unknown, expected: EventLike): MatcherAnswer {
    const all = [...(events as Iterable<EventLike & { readonly spec?: EventLike }>)].map((each) => each.spec ?? each);
    const names = Object.keys(expected) as (keyof EventLike)[];
    const pass = all.some((event) => names.every((name) => event[name] === expected[name]));
    const has = all.map(({ type, reason, message, note }) => `${type ?? ''} ${reason}: ${message ?? note}`).join('; ');
    return {
      pass,
      message: () => `expected ${pass ? 'no' : 'an'} event with ${JSON.stringify(expected)}; there is ${has || 'none'}`,
    };
  },
};

/** What the matchers add to `expect(…)`. */
export interface SetpointMatchers<Answer = unknown> {
  toHaveCondition(type: string, status?: boolean | Condition['status'], expected?: Expected): Answer;
  toBeControlledBy(owner: ResourceObject): Answer;
  toBeDeleting(): Answer;
  toHaveEvent(expected: EventLike): Answer;
}
