/**
 * `npm run collect -- --graphs 10000 --seed 1 --json FILE`: collectors that crash, on random owner graphs, against the
 * reference model. Fails when anything differs.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { collectGraphs } from './campaign.ts';

const { values } = parseArgs({
  options: {
    graphs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    json: { type: 'string' },
  },
});
const seed = Number(values.seed);
const start = performance.now();
const report = await collectGraphs({
  graphs: Number(values.graphs),
  seed,
  onRound: (done) => done % 1000 === 0 && console.log(`${done} graphs`),
});
const seconds = Math.round((performance.now() - start) / 1000);
for (const difference of report.differences.slice(0, 20)) console.log(difference);
const { graphs, objects, deletions, crashes, differences } = report;
console.log(
  `collect, seed ${seed}: ${graphs} graphs, ${objects} objects, ${deletions} deletions, ${crashes} crashes, ` +
    `${differences.length} differences, ${seconds} s`,
);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ seed, seconds, ...report }, undefined, 2)}\n`);
if (differences.length > 0) process.exitCode = 1;
