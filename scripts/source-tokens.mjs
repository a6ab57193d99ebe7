/**
 * Cuts JavaScript or TypeScript text into tokens, just well enough for the boundary checks: comments vanish, the text of
 * strings, templates and regular expressions never looks like code, and the code inside `${…}` does.
 *
 * @typedef {{ kind: 'name' | 'string' | 'number' | 'regex' | 'mark', text: string, line: number }} Token
 *   A string's text is what stands between its quotes. Marks are punctuation: `?.`, `=>`, `==`, `===`, `...` in one
 *   piece because the checks ask about them, everything else character by character.
 */

const NAME = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const NUMBER = /\d[\w.]*/y;
const MARK = /\?\.(?!\d)|=>|={2,3}|!={1,2}|\.{3}|[^\s]/y;
const QUOTED = /(['"])((?:\\[\s\S]|(?!\1)[^\\\n])*)\1?/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

/** After these words a slash opens a regular expression; after any other name it divides. */
const BEFORE_REGEX = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof extends default'.split(' '),
);

/** @param {string} text @returns {Token[]} */
export function tokenize(text) {
  return new Tokenizer(text).run();
}

class Tokenizer {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.line = 1;
    /** @type {Token[]} */
    this.tokens = [];
  }

  run() {
    if (this.text.startsWith('#!')) this.at = endOfLine(this.text, 0);
    this.code(false);
    return this.tokens;
  }

  /** Reads code up to the end, or up to the brace that closes a template's `${`. @param {boolean} inTemplate */
  code(inTemplate) {
    for (let depth = 0; this.at < this.text.length;) {
      const char = this.text[this.at] ?? '';
      if (char === '\n') this.skip(1);
      else if (/\s/.test(char)) this.at++;
      else if (this.text.startsWith('//', this.at)) this.at = endOfLine(this.text, this.at);
      else if (this.text.startsWith('/*', this.at)) this.blockComment();
      else if (char === '`') this.template();
      else if (char === "'" || char === '"') this.take('string', QUOTED, 2);
      else if (char === '/' && this.slashOpensRegex() && this.take('regex', REGEX)) continue;
      else if (this.take('name', NAME) || this.take('number', NUMBER)) continue;
      else {
        if (inTemplate && char === '}' && depth-- === 0) return this.skip(1);
        if (char === '{') depth++;
        this.take('mark', MARK);
      }
    }
  }

  /** Moves on, counting the lines. @param {number} length */
  skip(length) {
    for (const end = this.at + length; this.at < end; this.at++) if (this.text[this.at] === '\n') this.line++;
  }

  /** @param {Token['kind']} kind @param {RegExp} pattern @param {number} [group] @returns {boolean} */
  take(kind, pattern, group = 0) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return false;
    this.tokens.push({ kind, text: match[group] ?? '', line: this.line });
    this.skip(match[0].length);
    return true;
  }

  blockComment() {
    const end = this.text.indexOf('*/', this.at + 2);
    this.skip((end < 0 ? this.text.length : end + 2) - this.at);
  }

  /** A template without `${` is a string like any other; one with it leaves an empty string and its code. */
  template() {
    const start = this.at;
    const token = /** @type {Token} */ ({ kind: 'string', text: '', line: this.line });
    this.tokens.push(token);
    this.skip(1);
    while (this.at < this.text.length) {
      const char = this.text[this.at];
      if (char === '`') {
        if (this.tokens.at(-1) === token) token.text = this.text.slice(start + 1, this.at);
        return this.skip(1);
      }
      if (this.text.startsWith('${', this.at)) {
        this.skip(2);
        this.tokens.push({ kind: 'mark', text: '(', line: this.line });
        this.code(true);
        this.tokens.push({ kind: 'mark', text: ')', line: this.line });
      } else this.skip(char === '\\' ? 2 : 1);
    }
  }

  slashOpensRegex() {
    const last = this.tokens.at(-1);
    if (!last) return true;
    if (last.kind === 'name') return BEFORE_REGEX.has(last.text);
    return last.kind === 'mark' && ![')', ']', '}'].includes(last.text);
  }
}

/** @param {string} text @param {number} from */
function endOfLine(text, from) {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/**
 * What a file imports, types included, by `import`, `export … from`, `import()` and `require()`.
 *
 * @param {Token[]} tokens
 * @returns {{ specifier: string, line: number }[]}
 */
export function importsOf(tokens) {
  const found = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'name' || isMember(tokens, i)) continue;
    const next = tokens[i + 1];
    let source;
    if (token.text === 'import' && next?.kind === 'string') source = next;
    else if ((token.text === 'import' || token.text === 'require') && next?.text === '(') source = tokens[i + 2];
    else if (token.text === 'import' || token.text === 'export') source = sourceOfClause(tokens, i + 1);
    if (source?.kind === 'string') found.push({ specifier: source.text, line: source.line });
  }
  return found;
}

/** The string after `from`, when what starts at `at` is an import or export clause. @param {Token[]} tokens @param {number} at */
function sourceOfClause(tokens, at) {
  for (let i = at; i < tokens.length; i++) {
    const { kind, text } = tokens[i] ?? { kind: 'mark', text: ';' };
    if (kind === 'name' && text === 'from' && tokens[i + 1]?.kind === 'string') return tokens[i + 1];
    if (kind !== 'name' && kind !== 'string' && !['{', '}', ',', '*'].includes(text)) return undefined;
    if (kind === 'name' && ['const', 'let', 'function', 'class', 'interface', 'abstract'].includes(text))
      return undefined;
  }
  return undefined;
}

/** Whether the name at `i` is a property: what stands after a dot. @param {Token[]} tokens @param {number} i */
export function isMember(tokens, i) {
  const before = tokens[i - 1];
  return before?.kind === 'mark' && (before.text === '.' || before.text === '?.');
}

/** The index of the bracket that closes the one at `open`, or the end. @param {Token[]} tokens @param {number} open */
export function closing(tokens, open) {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = /** @type {Token} */ (tokens[i]);
    if (kind !== 'mark') continue;
    if (text === '(' || text === '[' || text === '{') depth++;
    if (text === ')' || text === ']' || text === '}') depth--;
    if (depth === 0) return i;
  }
  return tokens.length;
}
