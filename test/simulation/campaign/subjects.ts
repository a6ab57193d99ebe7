import type { ExploreOptions } from 'setpoint/testing';
import { adrift, deployments, madeAgain, replicaSets, scheduling } from './deployment-subjects.ts';
import { client, informer, queue } from './part-subjects.ts';
import { coordination, garbage, owners } from './runtime-subjects.ts';

/** What is put under faults: the runtime's own parts, and the controllers of the deployment example. */
export const subjects: readonly ExploreOptions[] = [
  informer,
  queue,
  client,
  owners,
  garbage,
  coordination,
  replicaSets,
  madeAgain,
  scheduling,
  deployments,
  adrift,
];
