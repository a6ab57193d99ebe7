/** Reads built declarations (`.d.ts`): what a file exports, and how that is declared. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const KINDS = 'const|let|function|class|interface|type|enum|namespace';
/** These end with their closing brace, all others with a semicolon. */
const BRACED = new Set(['class', 'interface', 'enum', 'namespace']);

/** @typedef {{ comment: string, code: string }} Declaration */
/** @typedef {{ exported: string, name: string, file: string }} Export `name`: what it is called in `file` */

/**
 * The declarations of a name, overloads together: the doc comment of the first, and the code of all.
 *
 * @param {string} text @param {string} name @returns {Declaration | undefined}
 */
export function declarationOf(text, name) {
  const head = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[^])*\\*/\\s*)?^(?:export )?(?:declare )?(?:abstract )?(${KINDS}) ${escaped(name)}(?![\\w$])`,
    'gm',
  );
  const found = [...text.matchAll(head)].map((match) => {
    const [whole, comment = '', kind = ''] = match;
    const start = match.index + comment.length;
    return { comment, code: text.slice(start, endOf(text, match.index + whole.length, BRACED.has(kind))) };
  });
  const [first] = found;
  return first && { comment: commentText(first.comment), code: found.map(({ code }) => code).join('\n') };
}

/** @param {string} name */
const escaped = (name) => name.replaceAll('$', '\\$');

/** Where a declaration ends that goes on at `from`. @param {string} text @param {number} from @param {boolean} braced */
function endOf(text, from, braced) {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    at = afterInert(text, at);
    const char = text[at] ?? '';
    if ('([{'.includes(char)) depth++;
    if (')]}'.includes(char)) depth--;
    if (depth === 0 && (char === ';' || (braced && char === '}'))) return at + 1;
  }
  return text.length;
}

/** The next place that is neither in a comment nor in a string. @param {string} text @param {number} at */
function afterInert(text, at) {
  const inert = /(?:\/\*[^]*?\*\/|\/\/.*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)+/y;
  inert.lastIndex = at;
  return inert.test(text) ? inert.lastIndex : at;
}

/** The code without comments and without what is private. @param {string} code */
export function withoutComments(code) {
  return code
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/^\s*(#private;|private )/.test(line))
    .join('\n');
}

/** @param {string} comment */
function commentText(comment) {
  return comment
    .replaceAll(/^\s*\/\*\*|\*\/\s*$/g, '')
    .replaceAll(/^\s*\* ?/gm, '')
    .trim();
}

/** What an index exports, by name, and the essay at its top. @param {string} file */
export function exportsOf(file) {
  const text = readFileSync(file, 'utf8');
  /** @type {Export[]} */
  const found = [];
  for (const [, list = '', from = ''] of text.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
    for (const each of list.replaceAll(/\/\*[^]*?\*\//g, '').split(',')) {
      const [name = '', exported = name] = each
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      if (name !== '') found.push({ exported, name, file: join(dirname(file), from.replace(/\.ts$/, '.d.ts')) });
    }
  }
  found.sort((a, b) => (a.exported < b.exported ? -1 : a.exported > b.exported ? 1 : 0));
  return { essay: commentText(/^\/\*\*[^]*?\*\//.exec(text)?.[0] ?? ''), found };
}

/** Follows re-exports to the file that has the declaration. @param {Export} wanted @returns {Declaration} */
export function resolveExport({ file, name }) {
  const declared = declarationOf(readFileSync(file, 'utf8'), name);
  if (declared) return declared;
  const next = exportsOf(file).found.find(({ exported }) => exported === name);
  if (!next) throw new Error(`${file} does not say what ${name} is`);
  return resolveExport(next);
}
