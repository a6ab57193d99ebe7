import { closing, importsOf, isMember } from './source-tokens.mjs';

/** @typedef {import('./source-tokens.mjs').Token} Token */

/**
 * Finds where a file takes time or randomness from the surroundings instead of from an injected Clock or Random. It goes
 * by names, not by types, so that an alias (`const { randomUUID } = crypto`, `import { setTimeout as later }`) is found
 * where it is made. A method of that name on an object of one's own (`socket.setTimeout(…)`) is not.
 */

const MODULES = new Set(['timers', 'timers/promises', 'perf_hooks']);
const GLOBAL_OBJECTS = new Set(['globalThis', 'global', 'window', 'self']);
/** Banned wherever the name is used as a variable. */
const VARIABLES = new Set(['setTimeout', 'setInterval', 'setImmediate', 'performance']);
/** Banned as variables and as properties: nothing else is called so. */
const EVERYWHERE = new Set(['hrtime', 'randomUUID', 'randomBytes', 'randomInt', 'getRandomValues']);
/** Banned as properties of these objects only. */
const PROPERTIES = new Map([
  ['Date', new Set(['now'])],
  ['Math', new Set(['random'])],
  ['AbortSignal', new Set(['timeout'])],
  ['process', new Set(['uptime'])],
]);

/**
 * @param {Token[]} allTokens
 * @returns {{ name: string, line: number }[]} each use with what it uses: `setTimeout`, `Date.now`, `new Date()`, `node:timers`, …
 */
export function ambientSourcesIn(allTokens) {
  const tokens = withoutGlobalObjects(allTokens);
  const found = importsOf(tokens)
    .filter(({ specifier }) => MODULES.has(specifier.replace(/^node:/, '')))
    .map(({ specifier, line }) => ({ name: `node:${specifier.replace(/^node:/, '')}`, line }));
  for (const [i, token] of tokens.entries()) {
    const name =
      token.kind === 'string' ? quotedMember(tokens, i) : token.kind === 'name' ? named(tokens, i) : undefined;
    if (name !== undefined) found.push({ name, line: token.line });
  }
  return found;
}

/** `globalThis.setTimeout` means `setTimeout`. @param {Token[]} tokens */
function withoutGlobalObjects(tokens) {
  return tokens.filter((token, i) => {
    const isGlobal = (/** @type {number} */ at) =>
      tokens[at]?.kind === 'name' && GLOBAL_OBJECTS.has(tokens[at].text) && !isMember(tokens, at);
    if (isGlobal(i)) return !isMember(tokens, i + 2);
    return !(isMember(tokens, i + 1) && isGlobal(i - 1));
  });
}

/** What the name at `i` uses, if anything banned. @param {Token[]} tokens @param {number} i @returns {string | undefined} */
function named(tokens, i) {
  const { text } = /** @type {Token} */ (tokens[i]);
  if (PROPERTIES.has(text) && !isMember(tokens, i))
    return propertyOf(tokens, i) ?? (text === 'Date' ? dateNow(tokens, i) : undefined);
  if (EVERYWHERE.has(text)) return isDeclaredHere(tokens, i) ? undefined : text;
  if (VARIABLES.has(text) && !isMember(tokens, i)) return isDeclaredHere(tokens, i) ? undefined : text;
  return undefined;
}

/** `Date.now`, or `{ now } = Date`, or `const D = Date`. @param {Token[]} tokens @param {number} i */
function propertyOf(tokens, i) {
  const object = tokens[i]?.text ?? '';
  const banned = /** @type {Set<string>} */ (PROPERTIES.get(object));
  const property = tokens[i + 2];
  if (isMember(tokens, i + 2)) return property && banned.has(property.text) ? `${object}.${property.text}` : undefined;
  if (tokens[i - 1]?.text !== '=') return undefined;
  if (tokens[i - 2]?.text === '}') {
    const name = patternNames(tokens, i - 2).find((each) => banned.has(each));
    return name && `${object}.${name}`;
  }
  const aliased = [';', ',', ')', '}', undefined].includes(tokens[i + 1]?.text) || tokens[i + 1]?.kind === 'name';
  const isType = tokens[i - 3]?.text === 'type' || tokens[i - 2]?.text === '>';
  return object !== 'process' && aliased && !isType ? `${object}.${[...banned].join()}` : undefined;
}

/** The names in the braces that close at `end`. @param {Token[]} tokens @param {number} end */
function patternNames(tokens, end) {
  let open = end;
  while (open > 0 && closing(tokens, open) !== end) open--;
  return tokens
    .slice(open, end)
    .filter(({ kind }) => kind === 'name')
    .map(({ text }) => text);
}

/** `new Date()` and `Date()` read the wall clock; `new Date(given)` does not. @param {Token[]} tokens @param {number} i */
function dateNow(tokens, i) {
  const called = tokens[i + 1]?.text === '(' && tokens[i + 1]?.kind === 'mark';
  if (tokens[i - 1]?.text !== 'new') return called ? 'Date()' : undefined;
  return !called || tokens[i + 2]?.text === ')' ? 'new Date()' : undefined;
}

/** `timers['setTimeout']`, `Date['now']`. @param {Token[]} tokens @param {number} i */
function quotedMember(tokens, i) {
  const text = tokens[i]?.text ?? '';
  const object = tokens[i - 2];
  if (tokens[i - 1]?.text !== '[' || tokens[i + 1]?.text !== ']' || object?.kind !== 'name') return undefined;
  if (PROPERTIES.get(object.text)?.has(text)) return `${object.text}.${text}`;
  return EVERYWHERE.has(text) || (VARIABLES.has(text) && GLOBAL_OBJECTS.has(object.text)) ? text : undefined;
}

/**
 * Whether the name at `i` names a member that the file itself declares: a method (`setTimeout(ms) {`), or a key with a
 * value or a type (`setTimeout: …`, but not the pattern `{ setTimeout: later } = …`).
 *
 * @param {Token[]} tokens @param {number} i
 */
function isDeclaredHere(tokens, i) {
  const before = tokens[i - 1]?.text ?? '{';
  const mayBeMember = ['{', '}', ';', ',', '*', 'async', 'static', 'readonly', 'override', 'get', 'set'].includes(
    before,
  );
  if (!mayBeMember) return false;
  const after = tokens[i + 1]?.text === '?' ? i + 2 : i + 1;
  if (tokens[after]?.text === '(') return ['{', ':'].includes(tokens[closing(tokens, after) + 1]?.text ?? '');
  if (tokens[after]?.text !== ':') return false;
  for (let open = i - 1; open >= 0; open--) {
    if (tokens[open]?.kind !== 'mark' || tokens[open]?.text !== '{') continue;
    const end = closing(tokens, open);
    if (end > i) return tokens[end + 1]?.text !== '=';
  }
  return false;
}
