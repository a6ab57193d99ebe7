import { expect, it } from 'vitest';
import { collectGraphs } from './collecting/campaign.ts';

it('collects random owner graphs, with crashes in between, as the reference model says', async () => {
  const { differences, crashes, deletions } = await collectGraphs({ graphs: 200, seed: 20 });
  expect(differences).toEqual([]);
  expect(deletions).toBeGreaterThan(200);
  expect(crashes).toBeGreaterThan(0);
});
