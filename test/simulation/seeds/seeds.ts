import { cacheSeeds } from './cache-seeds.ts';
import { crashSeeds } from './crash-seeds.ts';
import { outsideSeeds } from './outside-seeds.ts';
import { restSeeds } from './rest-seeds.ts';
import type { Seed } from './seed.ts';

/** The twenty bugs, in their order. */
export const seeds: readonly Seed[] = [...crashSeeds, ...outsideSeeds, ...cacheSeeds, ...restSeeds].sort(
  (a, b) => a.number - b.number,
);
