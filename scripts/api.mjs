/**
 * `npm run api`: the reference of every entry of every package, made from the built declarations: its essay, and each
 * export with its comment and its signature. Writes `.cache/api/<package>/<entry>.md`.
 *
 * `npm run api -- --accept` writes the report instead: every public name with its signature, without comments, into
 * `docs/api/<package>.txt`. A test compares it with what is built, so a change of the public surface shows in the diff
 * of a commit.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportsOf, resolveExport, withoutComments } from './declarations.mjs';
import { root, run } from './steps.mjs';

export const PACKAGES = ['setpoint', 'etcd', 'cli'];

/** The public entries of a package; `internal` carries no promise. @param {string} folder */
function entriesOf(folder) {
  const base = join(root, 'packages', folder);
  const { name, exports } = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string' || entry === './internal') return [];
    const { essay, found } = exportsOf(join(base, target.types));
    return [{ entry, specifier: join(name, entry), essay, found }];
  });
}

/**
 * Every public name with its signature. The packages have to be built. An export that another entry has too is written
 * out once, where it comes first.
 *
 * @param {string} folder
 */
export function apiReport(folder) {
  /** @type {Map<string, string>} */
  const written = new Map();
  const parts = entriesOf(folder).map(({ specifier, found }) => {
    const declarations = found.map((each) => {
      const code = withoutComments(resolveExport(each).code);
      const before = written.get(`${each.exported} ${code}`);
      written.set(`${each.exported} ${code}`, before ?? specifier);
      return before === undefined ? code : `${each.exported}: as in ${before}`;
    });
    return [`==== ${specifier}`, ...declarations].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

/** @param {string} folder */
function writeReference(folder) {
  for (const { entry, specifier, essay, found } of entriesOf(folder)) {
    const parts = found.map((each) => {
      const { comment, code } = resolveExport(each);
      return `## ${each.exported}\n\n${comment}\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
    });
    const file = join(root, '.cache', 'api', folder, `${entry === '.' ? 'index' : entry.slice(2)}.md`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${essay}\n\n${parts.join('\n')}`);
    console.log(`${found.length} exports of ${specifier}`);
  }
}

/** @param {string} folder */
export const reportFile = (folder) => join(root, 'docs', 'api', `${folder}.txt`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const build = await run(['tsc', '-b', 'packages/cli']);
  if (build.code !== 0) throw new Error(build.output);
  for (const folder of PACKAGES) {
    if (!process.argv.includes('--accept')) writeReference(folder);
    else {
      mkdirSync(join(root, 'docs', 'api'), { recursive: true });
      writeFileSync(reportFile(folder), apiReport(folder));
      console.log(`wrote docs/api/${folder}.txt`);
    }
  }
}
