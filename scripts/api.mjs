/**
 * `npm run api`: the reference of every entry of every package, made from the built declarations: its essay, and each
 * export with its comment and its signature. Writes `.cache/api/<package>/<entry>.md`. `--names` instead prints the names alone, one a
 * line, sorted: the report to compare before a release (`npm run api -- --names > before`, and again after a change).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run } from './steps.mjs';

const namesOnly = process.argv.includes('--names');
const build = await run(['tsc', '-b', 'packages/cli']);
if (build.code !== 0) throw new Error(build.output);

/** A declaration with its doc comment, from the text of a `.d.ts`. @param {string} text @param {string} name */
function declarationOf(text, name) {
  const start = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[^])*\\*/\\s*)?export (?:declare )?(?:abstract )?(?:const|function|class|interface|type|enum) ${name}\\b`,
  ).exec(text);
  if (!start) return undefined;
  const rest = text.slice(start.index);
  const body = rest.slice(start[1]?.length ?? 0);
  const end = /\n\}|;\n/.exec(body);
  return { comment: commentText(start[1] ?? ''), code: body.slice(0, end ? end.index + end[0].length : undefined) };
}

/** @param {string} comment */
function commentText(comment) {
  return comment
    .replaceAll(/^\s*\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .trim();
}

/** The exported names of an entry, each with the file that declares it. @param {string} file */
function exportsOf(file) {
  const text = readFileSync(file, 'utf8');
  const found = [];
  for (const [, list = '', from = ''] of text.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
    const names = list.replaceAll(/\/\*[^]*?\*\//g, '').split(',');
    for (const each of names) {
      const name = each
        .trim()
        .replace(/^type /, '')
        .split(' as ')[0]
        ?.trim();
      if (name) found.push({ name, file: join(dirname(file), from.replace(/\.ts$/, '.d.ts')) });
    }
  }
  return { essay: commentText(/^\/\*\*[^]*?\*\//.exec(text)?.[0] ?? ''), found };
}

/** Follows re-exports of an index to the file that has the declaration. @param {string} file @param {string} name @returns {ReturnType<typeof declarationOf>} */
function resolve(file, name) {
  const declared = declarationOf(readFileSync(file, 'utf8'), name);
  if (declared) return declared;
  const next = exportsOf(file).found.find((each) => each.name === name);
  return next && resolve(next.file, name);
}

for (const folder of ['setpoint', 'etcd', 'cli']) {
  const base = join(root, 'packages', folder);
  const { name, exports } = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
  for (const [entry, target] of Object.entries(exports)) {
    if (typeof target === 'string' || entry === './internal') continue;
    const { essay, found } = exportsOf(join(base, target.types));
    const sorted = found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    if (namesOnly) for (const each of sorted) console.log(`${join(name, entry)} ${each.name}`);
    if (namesOnly) continue;
    const parts = sorted.map((each) => {
      const { comment = '', code = '' } = resolve(each.file, each.name) ?? {};
      return `## ${each.name}\n\n${comment}\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
    });
    const file = join(root, '.cache', 'api', folder, `${entry === '.' ? 'index' : entry.slice(2)}.md`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${essay}\n\n${parts.join('\n')}`);
    console.log(`${sorted.length} exports of ${join(name, entry)}`);
  }
}
