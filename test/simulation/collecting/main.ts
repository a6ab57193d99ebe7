/**
 * `npm run collect -- --graphs N --seed S`: collectors that crash, on random owner graphs, against the reference model.
 * Fails when anything differs. `--help` tells the options.
 */
import { commandLine, outputFile, seedOf, whole, writeJson } from '../../harness/command-line.ts';
import { collectGraphs } from './campaign.ts';

const values = commandLine({
  run: 'npm run collect --',
  about:
    'Garbage collectors that crash, on random owner graphs, against the reference model. Fails when anything differs.',
  options: {
    graphs: whole('how many graphs', { default: 10_000, min: 1 }),
    seed: seedOf(Math.floor(Math.random() * 1e9), 'where random choices begin; another each time'),
    json: outputFile('writes the figures'),
  },
});
const { seed } = values;
const start = performance.now();
const report = await collectGraphs({
  graphs: values.graphs,
  seed,
  onRound: (done) => done % 1000 === 0 && console.log(`${done} graphs`),
});
const seconds = Math.round((performance.now() - start) / 1000);
for (const difference of report.differences.slice(0, 20)) console.log(difference);
const { graphs, objects, deletions, crashes, differences } = report;
writeJson(values.json, { seed, seconds, ...report });
console.log(
  `collect, seed ${seed}: ${graphs} graphs, ${objects} objects, ${deletions} deletions, ${crashes} crashes, ` +
    `${differences.length} differences, ${seconds} s`,
);
if (differences.length > 0) process.exitCode = 1;
