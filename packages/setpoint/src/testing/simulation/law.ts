import { type AnyResourceDefinition, controllerOf, type ResourceObject } from '../../resource/index.ts';
import type { WorldState } from './state.ts';

/**
 * Something that must hold in every state: returns true or nothing where it does, false or a sentence that says what
 * is wrong where it does not. It must be pure and quick: it is asked at each revision.
 */
export interface Law {
  readonly name: string;
  readonly check: (state: WorldState) => boolean | string | undefined | void;
}

/** A law by its name. */
export function law(name: string, check: Law['check']): Law {
  return { name, check };
}

/** At most so many objects of a kind, in all or for each `group`. */
export function atMost<Kind extends AnyResourceDefinition>(
  kind: Kind,
  max: number | ((state: WorldState) => number),
): Law {
  return law(`at most ${typeof max === 'number' ? max : 'so many'} of ${kind.kind}`, (state) => {
    const count = state.list(kind).length;
    const limit = typeof max === 'number' ? max : max(state);
    return count <= limit || `there are ${count} of ${kind.kind}, at most ${limit} may be`;
  });
}

/** Objects of a kind have a controller, and it is there or was there at some time. For `always`. */
export function ownedBy(child: AnyResourceDefinition, owner: AnyResourceDefinition): Law {
  return law(`every ${child.kind} is controlled by a ${owner.kind}`, (state) => {
    const stray = state
      .list(child)
      .find((each) => controllerOf((each as ResourceObject).metadata)?.kind !== owner.kind);
    return stray === undefined || `${child.kind} ${(stray as ResourceObject).metadata.name} has no ${owner.kind}`;
  });
}

/** No object whose controller is gone. For `matches`, or for `always` where nothing may be left even for a moment. */
export function noOrphans(child: AnyResourceDefinition): Law {
  return law(`no orphaned ${child.kind}`, (state) => {
    const uids = new Set(state.all().map(({ metadata }) => metadata.uid));
    const orphan = state.list(child).find((each) => {
      const owner = controllerOf((each as ResourceObject).metadata);
      return owner !== undefined && !uids.has(owner.uid);
    });
    return orphan === undefined || `${child.kind} ${(orphan as ResourceObject).metadata.name} has lost its owner`;
  });
}

/** The sentence that says how a state breaks the law, if it does. What the check throws breaks it too. */
export function breach({ name, check }: Law, state: WorldState): string | undefined {
  try {
    const answer = check(state);
    if (answer === undefined || answer === true) return undefined;
    return typeof answer === 'string' ? `${name}: ${answer}` : name;
  } catch (error) {
    return `the law '${name}' itself failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}
