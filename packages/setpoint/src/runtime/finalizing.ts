import type { Result } from '../controller/index.ts';
import type { ResourceObject } from '../resource/index.ts';

type Answer = Promise<Result | void> | Result | void;

/** What a controller does for an object in each of its states. */
export interface FinalizingSteps {
  readonly hasFinalizer: (object: ResourceObject) => boolean;
  readonly isDeleting: (object: ResourceObject) => boolean;
  /** Puts the finalizer on and returns the object with it. */
  readonly addFinalizer: (object: ResourceObject) => Promise<ResourceObject>;
  readonly removeFinalizer: (object: ResourceObject) => Promise<unknown>;
  readonly reconcile: (object: ResourceObject) => Answer;
  /** Absent: the controller has nothing to clean up. */
  readonly finalize: ((object: ResourceObject) => Answer) | undefined;
}

/**
 * What happens to an object of a controller, by its state:
 *
 * | finalizer on it? | being deleted? | the controller has `finalize` | it has none          |
 * | ---------------- | -------------- | ----------------------------- | -------------------- |
 * | no               | no             | put it on, then reconcile     | reconcile            |
 * | yes              | no             | reconcile                     | reconcile            |
 * | yes              | yes            | finalize, then take it off    | take it off          |
 * | no               | yes            | nothing: it is others' turn   | nothing              |
 *
 * **Guarantees.** No reconcile before the finalizer is on; the object stays until finalize resolved; an object that is
 * being deleted is never reconciled, so nothing is made for what is about to go.
 *
 * **Assumptions.** finalize may run more than once, and after any number of reconciles, finished or not.
 *
 * **Caveats.** An object that is deleted before its first reconcile goes without finalize. Who removes a controller
 * for good takes its finalizers off by hand; who only removes its `finalize` doesn't have to.
 *
 * **Errors.** What finalize throws, or a result that asks to be run again, keeps the finalizer on.
 */
export function reconcileOrFinalize(object: ResourceObject, steps: FinalizingSteps): Answer {
  if (steps.isDeleting(object)) return steps.hasFinalizer(object) ? finalizeAndRelease(object, steps) : undefined;
  if (!steps.finalize || steps.hasFinalizer(object)) return steps.reconcile(object);
  return steps.addFinalizer(object).then((ready) => steps.reconcile(ready));
}

async function finalizeAndRelease(object: ResourceObject, steps: FinalizingSteps): Promise<Result | void> {
  const result = await steps.finalize?.(object);
  if (asksToRunAgain(result)) return result;
  await steps.removeFinalizer(object);
  return undefined;
}

function asksToRunAgain(result: Result | void): boolean {
  return result?.requeue === true || (result?.requeueAfterMs ?? 0) > 0;
}
